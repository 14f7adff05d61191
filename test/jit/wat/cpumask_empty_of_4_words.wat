;; 256 CPUs of 256
;; call bpf_cpumask_empty
;; exit

f0:
  local.get r1
  i32.wrap_i64
  v128.load
  local.get r1
  i32.wrap_i64
  v128.load offset=16
  v128.or
  v128.any_true
  i32.eqz
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
