;; 8192 CPUs of 8192
;; call bpf_cpumask_and
;; exit

f0:
  global.get 0
  i32.const 5242880
  i32.store offset=12
  local.get r1
  i32.wrap_i64
  local.get r2
  i32.wrap_i64
  local.get r3
  i32.wrap_i64
  call kernel.bpf_cpumask_and
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
