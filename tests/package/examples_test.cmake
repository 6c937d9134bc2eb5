# Installs BUILD into a scratch folder, builds the programs of EXAMPLES and one that links every layer against it, runs
# the examples and checks their output and files.

file(REMOVE_RECURSE ${SCRATCH})
file(MAKE_DIRECTORY ${SCRATCH})

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nfailed:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(expect where what)
  string(FIND "${where}" "${what}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "'${what}' is not in:\n${where}")
  endif()
endfunction()

# The example must find the dependencies where the build found them.
set(prefixes ${SCRATCH}/prefix ${PREFIX_PATH})
string(REPLACE ";" "\\;" prefixes "${prefixes}")

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${SCRATCH}/prefix)
foreach(project ${EXAMPLES}/consumer ${EXAMPLES}/own_method ${EXAMPLES}/own_backbone ${CMAKE_CURRENT_LIST_DIR}/every_layer)
  cmake_path(GET project FILENAME name)
  run(${CMAKE_COMMAND} -S ${project} -B ${SCRATCH}/${name} -G ${GENERATOR} "-DCMAKE_PREFIX_PATH=${prefixes}"
    -DCMAKE_CXX_COMPILER=${COMPILER} "-DCMAKE_CXX_FLAGS=${FLAGS}" -DCMAKE_BUILD_TYPE=${BUILD_TYPE})
  run(${CMAKE_COMMAND} --build ${SCRATCH}/${name})
endforeach()

run(${SCRATCH}/consumer/consumer ${SCRATCH}/example.safetensors)
expect("${output}" "weight f32[1, 1]: 2.000")
expect("${output}" "bias f32[1]: 1.000")

# Every command must know a program's own method and backbone.
set(small --channels 1 --size 32 --batch 8 --width 8)
set(two_steps --data synth:16:32 --epochs 1 --steps 2 --warmup-epochs 0 --threads 2)
foreach(case "own_method|multicrop|--stem;small;--local-crops;3;--local-size;16;--dim;16;--hidden;16"
             "own_backbone|simclr|--arch;plain;--stages;3;--dim;16;--hidden;16")
  string(REPLACE "|" ";" case "${case}")
  list(POP_FRONT case name method)
  set(program ${SCRATCH}/${name}/${name})
  set(out ${SCRATCH}/${name}_run)
  run(${program} train ${method} ${small} ${case} ${two_steps} --out ${out})
  expect("${output}" "done: ")
  file(STRINGS ${out}/metrics.jsonl steps REGEX "\"event\":\"step\"")
  list(LENGTH steps count)
  if(NOT count EQUAL 2)
    message(FATAL_ERROR "${name} made ${count} steps of 2")
  endif()
  run(${program} eval knn --weights ${out}/backbone.safetensors --train synth:12:32 --test synth:12:32:1 --k 3)
  expect("${output}" "kNN accuracy")
  run(${program} inspect memory ${method} ${small} ${case} --recompute block)
  expect("${output}" "recomputed: ")
  run(${program} inspect graph ${method} ${small} ${case} --out ${SCRATCH}/${name}.svg)
  run(${program} inspect views ${method} ${small} ${case} --data synth:4:32 --out ${SCRATCH}/${name}.png)
  run(${program} bench step ${method} ${small} ${case} --steps 1 --warmup 1)
  run(${program} report ${out})
endforeach()
