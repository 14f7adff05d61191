;; call bpf_cpumask_subset
;; exit

f0:
  local.get r1
  i32.wrap_i64
  i64.load
  local.get r2
  i32.wrap_i64
  i64.load
  i64.const -1
  i64.xor
  i64.and
  i64.eqz
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
