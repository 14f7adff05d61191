;; call bpf_get_smp_processor_id
;; exit

f0:
  global.get 0
  i32.load
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
