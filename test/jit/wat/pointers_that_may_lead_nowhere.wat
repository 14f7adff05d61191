;; r1 = *(u64 *)(r1 +16)
;; r0 = *(s8 *)(r1 -1)
;; exit

f0:
  local.get r1
  i64.const 131391639519248
  i64.add
  local.tee l11
  i32.wrap_i64
  local.set l12
  local.get l11
  i64.const 16777216
  i64.lt_u
  if i32
    local.get l12
    i32.const 3
    i32.shr_u
    i32.load8_u offset=262144
    i32.const -97
    i32.and
    i32.const 8
    i32.eq
    local.get l12
    i32.const 7
    i32.and
    i32.const 0
    i32.le_u
    i32.and
  else
    i32.const 0
  end
  if i32
    i32.const 1
  else
    local.get l11
    i64.const -131391639519232
    i64.add
    i32.const 8
    i32.const 0
    call kernel.access_ok
  end
  if i64
    local.get l12
    i64.load
  else
    i64.const 0
  end
  local.tee r1
  i64.const 131391639519231
  i64.add
  local.tee l11
  i32.wrap_i64
  local.set l12
  local.get l11
  i64.const 16777216
  i64.lt_u
  if i32
    local.get l12
    i32.const 3
    i32.shr_u
    i32.load8_u offset=262144
    i32.const -97
    i32.and
    i32.const 8
    i32.eq
  else
    i32.const 0
  end
  if i32
    i32.const 1
  else
    local.get l11
    i64.const -131391639519232
    i64.add
    i32.const 1
    i32.const 0
    call kernel.access_ok
  end
  if i64
    local.get l12
    i64.load8_s
  else
    i64.const 0
  end
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 3
  i64.sub
  i64.store
  return
  unreachable
