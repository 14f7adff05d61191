;; if r1 > 7 goto big
;; r0 = 1
;; goto out
;; big: r0 = 2
;; out: r0 += r1
;; exit

f0:
  global.get 1
  i64.load
  local.set l11
  block
    local.get r1
    i64.const 7
    i64.gt_u
    if
      i64.const 2
      local.set r0
      local.get l11
      i64.const -1
      i64.sub
      local.set l11
      br 1
    end
    i64.const 1
    local.set r0
  end
  local.get r0
  local.get r1
  i64.add
  local.tee r0
  global.get 1
  local.get l11
  i64.const 5
  i64.sub
  i64.store
  return
  unreachable
