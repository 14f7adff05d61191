;; call bpf_cpumask_setall
;; r0 = 0
;; exit

f0:
  local.get r1
  i32.wrap_i64
  i64.const 15
  i64.store
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
