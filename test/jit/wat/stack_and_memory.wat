;; *(u64 *)(r10 -8) = r1
;; r2 = r10
;; r2 += -16
;; *(u32 *)(r2 +4) = 7
;; r0 = *(s16 *)(r1 -2)
;; r3 = *(u8 *)(r10 -8)
;; r0 += r3
;; exit

f0:
  local.get frame
  i32.const 16
  i32.sub
  local.tee l11
  i64.const 0
  i64.store
  local.get l11
  i64.const 0
  i64.store offset=8
  local.get l11
  local.get r1
  i64.store offset=8
  local.get l11
  i32.const 16
  i32.add
  i64.extend_i32_u
  i64.const -131391639519232
  i64.or
  local.tee r2
  i64.const -16
  i64.add
  local.tee r2
  i32.wrap_i64
  i64.const 7
  i64.store32 offset=4
  local.get r1
  i32.wrap_i64
  i32.const -2
  i32.add
  i64.load16_s
  local.set r0
  local.get l11
  i64.load8_u offset=8
  local.set r3
  local.get r0
  local.get r3
  i64.add
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 8
  i64.sub
  i64.store
  return
  unreachable
