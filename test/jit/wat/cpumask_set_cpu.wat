;; call bpf_cpumask_set_cpu
;; r0 = 0
;; exit

f0:
  local.get r1
  i32.wrap_i64
  local.tee l11
  i32.const 4
  i32.lt_u
  if
    local.get r2
    i32.wrap_i64
    local.get l11
    i32.const 5
    i32.shr_u
    i32.const 2
    i32.shl
    i32.add
    i32.const 1
    local.get l11
    i32.shl
    i32.atomic.rmw.or
    drop
  end
  i64.const 0
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 3
  i64.sub
  i64.store
  return
  unreachable
