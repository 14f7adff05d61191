;; r0 = load_acquire((u32 *)(r1 +4))
;; store_release((u64 *)(r2 -8), r0)
;; exit

f0:
  local.get r1
  i32.wrap_i64
  i64.atomic.load32_u offset=4
  local.set r0
  local.get r2
  i32.wrap_i64
  i32.const -8
  i32.add
  local.get r0
  i64.atomic.store
  local.get r0
  global.get 1
  global.get 1
  i64.load
  i64.const 3
  i64.sub
  i64.store
  return
  unreachable
