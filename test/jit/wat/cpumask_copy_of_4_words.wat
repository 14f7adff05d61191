;; 200 CPUs of 8192
;; call bpf_cpumask_copy
;; r0 = 0
;; exit

f0:
  local.get r1
  i32.wrap_i64
  local.get r2
  i32.wrap_i64
  v128.load
  v128.store
  local.get r1
  i32.wrap_i64
  local.get r2
  i32.wrap_i64
  v128.load offset=16
  v128.store offset=16
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
