;; 200 CPUs of 8192
;; call bpf_cpumask_full
;; exit

f0:
  local.get r1
  i32.wrap_i64
  v128.load
  v128.not
  v128.any_true
  local.get r1
  i32.wrap_i64
  i64.load offset=16
  i64.const -1
  i64.xor
  local.get r1
  i32.wrap_i64
  i64.load offset=24
  i64.const -1
  i64.xor
  i64.const 255
  i64.and
  i64.or
  i64.const 0
  i64.ne
  i32.or
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
