;; call bpf_cpumask_acquire
;; exit

f0:
  local.get r1
  i32.wrap_i64
  i32.atomic.load offset=8
  local.tee l11
  i32.const 1
  i32.sub
  i32.const 2147483646
  i32.lt_u
  if i32
    local.get r1
    i32.wrap_i64
    local.get l11
    local.get l11
    i32.const 1
    i32.add
    i32.atomic.rmw.cmpxchg offset=8
    local.get l11
    i32.ne
  else
    i32.const 1
  end
  if
    global.get 0
    i32.const 5242880
    i32.store offset=12
    local.get r1
    i32.wrap_i64
    call kernel.bpf_cpumask_acquire
    local.tee l12
    i64.extend_i32_u
    i64.const -131391639519232
    i64.or
    i64.const 0
    local.get l12
    select
    local.set r0
  else
    local.get r1
    local.set r0
  end
  local.get r0
  global.get 1
  global.get 1
  i64.load
  i64.const 2
  i64.sub
  i64.store
  return
  unreachable
