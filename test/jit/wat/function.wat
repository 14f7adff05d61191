;; r2 = 5
;; call f
;; r0 += 1
;; exit
;; f: r0 = r1
;; r0 *= r2
;; exit

f0:
  global.get 1
  i64.load
  local.tee l11
  i64.const 0
  i64.lt_s
  if
    local.get l11
    i32.const 0
    call jit.budget
    local.set l11
  end
  i64.const 5
  local.set r2
  global.get 1
  local.get l11
  i64.const 2
  i64.sub
  i64.store
  local.get r1
  local.get r2
  local.get r3
  local.get r4
  local.get r5
  local.get frame
  call f1
  local.set r0
  global.get 1
  i64.load
  i64.const 2
  i64.add
  local.set l11
  local.get r0
  i64.const 1
  i64.add
  local.tee r0
  global.get 1
  local.get l11
  i64.const 4
  i64.sub
  i64.store
  return
  unreachable

f1:
  local.get r1
  local.tee r0
  local.get r2
  i64.mul
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 3
  i64.sub
  i64.store
  return
  unreachable
