# embed_presets(TARGET): the files of configs/ as presets() of apps/presets.h.
function(embed_presets target)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/configs ${PROJECT_SOURCE_DIR}/configs/*.toml)
  set(entries "")
  foreach(file ${files})
    string(REGEX REPLACE "\\.toml$" "" name "${file}")
    string(REGEX REPLACE "[/_]" "-" name "${name}")
    list(APPEND names "${name} ${file}")
  endforeach()
  list(SORT names)
  foreach(entry ${names})
    string(REGEX MATCH "^([^ ]*) (.*)$" ignored "${entry}")
    set(name ${CMAKE_MATCH_1})
    set(path ${PROJECT_SOURCE_DIR}/configs/${CMAKE_MATCH_2})
    file(READ ${path} toml)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
    string(APPEND entries "      {\"${name}\", R\"toml(${toml})toml\"},\n")
  endforeach()
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${target}_presets.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "#include \"apps/presets.h\"\n
const std::vector<minissl::Preset>& minissl::presets() {
  static const std::vector<Preset> all = {\n${entries}  };
  return all;
}
" @ONLY)
  target_sources(${target} PRIVATE ${source})
endfunction()
