# embed_files(TARGET NAMESPACE NAME FILE NAME FILE ...): embeds each FILE in the target's binary, available at run time as
# `std::string_view NAMESPACE::NAME()`. The assembler copies the bytes, so that size costs no compile time.
enable_language(ASM)

function(embed_files target namespace)
  set(assembly "")
  set(functions "")
  set(files "")
  while(ARGN)
    list(POP_FRONT ARGN name file)
    list(APPEND files ${file})
    set(symbol ${target}_asset_${name})
    string(APPEND assembly
      ".global ${symbol}_begin\n.global ${symbol}_end\n"
      "${symbol}_begin:\n.incbin \"${file}\"\n${symbol}_end:\n")
    string(APPEND functions
      "extern \"C\" const char ${symbol}_begin[], ${symbol}_end[];\n"
      "std::string_view ${namespace}::${name}() { return {${symbol}_begin, ${symbol}_end}; }\n")
  endwhile()
  set(base ${CMAKE_CURRENT_BINARY_DIR}/${target}_assets)
  file(CONFIGURE OUTPUT ${base}.S CONTENT
    ".section .rodata,\"a\",%progbits\n${assembly}.section .note.GNU-stack,\"\",%progbits\n" @ONLY)
  file(CONFIGURE OUTPUT ${base}.cpp CONTENT "#include \"apps/run/assets.h\"\n\n${functions}" @ONLY)
  set_source_files_properties(${base}.S PROPERTIES OBJECT_DEPENDS "${files}")
  target_sources(${target} PRIVATE ${base}.S ${base}.cpp)
endfunction()
