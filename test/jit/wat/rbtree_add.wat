;; r3 = func(less)
;; call bpf_rbtree_add_impl
;; exit
;; less: r0 = 0
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
  i64.const -412311617536
  local.set r3
  global.get 0
  i32.const 5242882
  i32.store offset=12
  local.get r1
  i32.wrap_i64
  local.set l12
  local.get r2
  i32.wrap_i64
  local.set l13
  local.get l12
  local.get l13
  call kernel.rbtree_add_start
  local.tee l15
  i32.eqz
  if
    i32.const 0
    local.set l16
    i32.const 1
    local.set l17
    i32.const 0
    local.set l14
    local.get l12
    call kernel.rbtree_top
    local.set l15
    global.get 1
    local.get l11
    i64.const 2
    i64.sub
    i64.store
    block
      loop
        local.get l15
        i32.eqz
        br_if 1
        local.get l15
        local.set l14
        local.get l13
        i64.extend_i32_u
        i64.const -131391639519232
        i64.or
        local.get l14
        i64.extend_i32_u
        i64.const -131391639519232
        i64.or
        i64.const 0
        i64.const 0
        i64.const 0
        local.get frame
        call f1
        i64.eqz
        i32.eqz
        local.tee l16
        local.get l17
        i32.and
        local.set l17
        local.get l14
        local.get l16
        call kernel.rbtree_child
        local.set l15
        global.get 1
        i64.load
        i64.const 0
        i64.lt_s
        if
          global.get 1
          i64.load
          local.tee l11
          i32.const 2
          call jit.budget
          local.set l11
          global.get 1
          local.get l11
          i64.store
        end
        br 0
      end
    end
    local.get l12
    local.get l13
    local.get l14
    local.get l16
    local.get l17
    call kernel.rbtree_add_finish
    global.get 1
    i64.load
    i64.const 2
    i64.add
    local.set l11
    i32.const 0
    local.set l15
  end
  local.get l15
  i64.extend_i32_u
  local.tee r0
  global.get 1
  local.get l11
  i64.const 3
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
