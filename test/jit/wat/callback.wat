;; r1 = 100
;; r2 = func(cb)
;; r3 = 0
;; r4 = 0
;; call bpf_loop
;; exit
;; cb: r0 = 0
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
  i64.const 100
  local.set r1
  i64.const -412311617536
  local.set r2
  i64.const 0
  local.set r3
  i64.const 0
  local.set r4
  global.get 0
  i32.const 5242885
  i32.store offset=12
  block
    i64.const -22
    local.set l13
    local.get r4
    i64.eqz
    i32.eqz
    br_if 0
    i64.const -7
    local.set l13
    local.get r1
    i32.wrap_i64
    local.tee l14
    i32.const 8388608
    i32.gt_u
    br_if 0
    i64.const 0
    local.set l13
    local.get l14
    i32.eqz
    br_if 0
    local.get r3
    local.set l15
    global.get 1
    local.get l11
    i64.const 5
    i64.sub
    i64.store
    i64.const 0
    local.set l12
    loop
      local.get l12
      local.get l15
      i64.const 0
      i64.const 0
      i64.const 0
      local.get frame
      call f1
      local.get l12
      i64.const 1
      i64.add
      local.set l12
      i64.eqz
      local.get l12
      local.get l14
      i64.extend_i32_u
      i64.lt_u
      i32.and
      if
        global.get 1
        i64.load
        i64.const 0
        i64.lt_s
        if
          global.get 1
          i64.load
          local.tee l11
          i32.const 5
          call jit.budget
          local.set l11
          global.get 1
          local.get l11
          i64.store
        end
        br 1
      end
    end
    local.get l12
    local.set l13
    global.get 1
    i64.load
    i64.const 5
    i64.add
    local.set l11
  end
  local.get l13
  local.tee r0
  global.get 1
  local.get l11
  i64.const 6
  i64.sub
  i64.store
  return
  unreachable

f1:
  i64.const 0
  local.tee r0
  global.get 1
  global.get 1
  i64.load
  i64.const 2
  i64.sub
  i64.store
  return
  unreachable
