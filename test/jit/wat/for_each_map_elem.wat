;; map: array
;; r1 = map(map)
;; r2 = func(cb)
;; r3 = 0
;; r4 = 0
;; call bpf_for_each_map_elem
;; exit
;; cb: r0 = 0
;; exit

f0:
  local.get frame
  i32.const 32
  i32.sub
  local.set l12
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
  i64.const -131391637148816
  local.set r1
  i64.const -412311617536
  local.set r2
  i64.const 0
  local.set r3
  i64.const 0
  local.set r4
  global.get 0
  i32.const 5242886
  i32.store offset=12
  block
    i64.const -22
    local.set l14
    local.get r4
    i64.eqz
    i32.eqz
    br_if 0
    local.get r3
    local.set l15
    local.get r1
    i32.wrap_i64
    local.set l16
    i64.const 0
    local.set l13
    local.get l12
    i64.const 0
    i64.store
    local.get l12
    i64.const 0
    i64.store offset=8
    local.get l12
    i64.const 0
    i64.store offset=16
    local.get l12
    i64.const 0
    i64.store offset=24
    global.get 1
    local.get l11
    i64.const 5
    i64.sub
    i64.store
    block
      loop
        local.get l16
        local.get l12
        call kernel.map_walk
        i32.eqz
        br_if 1
        local.get l13
        i64.const 1
        i64.add
        local.set l13
        local.get l16
        i64.extend_i32_u
        i64.const -131391639519232
        i64.or
        local.get l12
        i32.load offset=8
        i64.extend_i32_u
        i64.const -131391639519232
        i64.or
        local.get l12
        i32.load offset=12
        i64.extend_i32_u
        i64.const -131391639519232
        i64.or
        local.get l15
        i64.const 0
        local.get l12
        call f1
        i64.eqz
        i32.eqz
        br_if 1
        global.get 1
        i64.load
        i64.const 0
        i64.lt_s
        if
          global.get 1
          i64.load
          local.tee l11
          i32.const 6
          call jit.budget
          local.set l11
          global.get 1
          local.get l11
          i64.store
        end
        br 0
      end
    end
    local.get l13
    local.set l14
    global.get 1
    i64.load
    i64.const 5
    i64.add
    local.set l11
  end
  local.get l14
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
