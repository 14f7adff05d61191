;; 200 CPUs of 8192
;; call bpf_cpumask_and
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
  v128.and
  local.tee l14
  v128.store
  local.get r1
  i32.wrap_i64
  local.get r2
  i32.wrap_i64
  i64.load offset=16
  local.get r3
  i32.wrap_i64
  i64.load offset=16
  i64.and
  local.tee l12
  i64.store offset=16
  local.get r1
  i32.wrap_i64
  local.get r2
  i32.wrap_i64
  i64.load offset=24
  local.get r3
  i32.wrap_i64
  i64.load offset=24
  i64.and
  i64.const 255
  i64.and
  local.tee l11
  i64.store offset=24
  local.get l11
  local.get l12
  i64.or
  local.set l12
  local.get l14
  v128.any_true
  local.get l12
  i64.const 0
  i64.ne
  i32.or
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
