# Installs BUILD into a scratch folder, builds EXAMPLE and a program that links every layer against it, runs the example
# and looks at what it prints.

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

# Where the build found its own dependencies, the example must find them, too.
set(prefixes ${SCRATCH}/prefix ${PREFIX_PATH})
string(REPLACE ";" "\\;" prefixes "${prefixes}")

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${SCRATCH}/prefix)
foreach(project ${EXAMPLE} ${CMAKE_CURRENT_LIST_DIR}/every_layer)
  cmake_path(GET project FILENAME name)
  run(${CMAKE_COMMAND} -S ${project} -B ${SCRATCH}/${name} -G ${GENERATOR} "-DCMAKE_PREFIX_PATH=${prefixes}"
    -DCMAKE_CXX_COMPILER=${COMPILER} "-DCMAKE_CXX_FLAGS=${FLAGS}" -DCMAKE_BUILD_TYPE=${BUILD_TYPE})
  run(${CMAKE_COMMAND} --build ${SCRATCH}/${name})
endforeach()
run(${SCRATCH}/consumer/consumer ${SCRATCH}/example.safetensors)

foreach(line "weight f32[1, 1]: 2.000" "bias f32[1]: 1.000")
  string(FIND "${output}" "${line}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "the example did not print '${line}' but:\n${output}")
  endif()
endforeach()
