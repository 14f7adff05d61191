;; r0 = 1
;; if r1 == 0 goto dead
;; exit
;; dead: r0 = 2
;; exit

f0:
  i64.const 1
  local.set r0
  local.get r0
  i32.const 1000
  i32.const 1000
  i64.load
  i64.const 3
  i64.sub
  i64.store
  return
  unreachable
