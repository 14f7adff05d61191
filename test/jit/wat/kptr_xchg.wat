;; call bpf_kptr_xchg
;; exit

f0:
  local.get r1
  i32.wrap_i64
  local.get r2
  i64.atomic.rmw.xchg
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 2
  i64.sub
  i64.store
  return
  unreachable
