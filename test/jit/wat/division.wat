;; r0 = r1
;; r0 /= r2
;; w0 s%= w3
;; r0 /= 10
;; exit

f0:
  local.get r1
  local.set r0
  local.get r2
  local.tee l11
  i64.eqz
  if i64
    i64.const 0
  else
    local.get r0
    local.get l11
    i64.div_u
  end
  local.set r0
  local.get r3
  i32.wrap_i64
  local.tee l12
  i32.const 1
  i32.add
  i32.const 1
  i32.le_u
  if i32
    local.get r0
    i32.wrap_i64
    i32.const 0
    local.get l12
    i32.eqz
    select
  else
    local.get r0
    i32.wrap_i64
    local.get l12
    i32.rem_s
  end
  i64.extend_i32_u
  local.tee r0
  i64.const 10
  i64.div_u
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 5
  i64.sub
  i64.store
  return
  unreachable
