;; r0 = 1
;; if r1 == 0 goto dead
;; exit
;; dead: r0 = 2
;; exit

f0:
  i64.const 1
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 3
  i64.sub
  i64.store
  return
  unreachable
