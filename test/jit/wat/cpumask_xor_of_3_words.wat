;; 192 CPUs of 8192
;; call bpf_cpumask_xor
;; r0 = 0
;; exit

f0:
  local.get r1
  i32.wrap_i64
  local.get r2
  i32.wrap_i64
  v128.load
  local.get r3
  i32.wrap_i64
  v128.load
  v128.xor
  v128.store
  local.get r1
  i32.wrap_i64
  local.get r2
  i32.wrap_i64
  i64.load offset=16
  local.get r3
  i32.wrap_i64
  i64.load offset=16
  i64.xor
  i64.store offset=16
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
