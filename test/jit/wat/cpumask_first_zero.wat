;; call bpf_cpumask_first_zero
;; exit

f0:
  local.get r1
  i32.wrap_i64
  i64.load
  i64.const -1
  i64.xor
  i64.ctz
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 2
  i64.sub
  i64.store
  return
  unreachable
