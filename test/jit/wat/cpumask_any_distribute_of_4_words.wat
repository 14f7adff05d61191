;; 200 CPUs of 8192
;; call bpf_cpumask_any_distribute
;; exit

f0:
  global.get 0
  i32.load offset=4
  i32.const 1
  i32.add
  local.tee l11
  i32.const 200
  i32.lt_u
  if i64
    local.get l11
    i32.const 6
    i32.shr_u
    i32.const 3
    i32.shl
    local.set l12
    local.get r1
    i32.wrap_i64
    local.get l12
    i32.add
    i64.load
    i64.const -1
    local.get l11
    i64.extend_i32_u
    i64.shl
    i64.and
  else
    i64.const 0
  end
  local.tee l13
  i64.eqz
  local.get l13
  i64.ctz
  local.get l11
  i32.const -64
  i32.and
  i64.extend_i32_u
  i64.add
  local.tee l13
  i64.const 200
  i64.ge_u
  i32.or
  if
    global.get 0
    i32.const 5242880
    i32.store offset=12
    local.get r1
    i32.wrap_i64
    call kernel.bpf_cpumask_any_distribute
    i64.extend_i32_u
    local.set r0
  else
    global.get 0
    local.get l13
    i64.store32 offset=4
    local.get l13
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
