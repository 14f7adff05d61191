;; 8192 CPUs of 8192
;; call bpf_cpumask_clear
;; r0 = 0
;; exit

f0:
  local.get r1
  i32.wrap_i64
  i32.const 0
  i32.const 1024
  memory.fill 0
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
