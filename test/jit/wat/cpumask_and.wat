;; call bpf_cpumask_and
;; exit

f0:
  local.get r1
  i32.wrap_i64
  local.get r2
  i32.wrap_i64
  i64.load
  local.get r3
  i32.wrap_i64
  i64.load
  i64.and
  local.tee l12
  i64.store
  local.get l12
  i64.const 0
  i64.ne
  i64.extend_i32_u
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 2
  i64.sub
  i64.store
  return
  unreachable
