# ccache and mold where they are installed; warnings and sanitizers for our own targets through fewstep::options.
find_program(FEWSTEP_CCACHE ccache)
if(FEWSTEP_CCACHE)
  # Without the sloppiness ccache keeps nothing that was compiled with precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${FEWSTEP_CCACHE})
endif()
find_program(FEWSTEP_MOLD mold)
if(FEWSTEP_PORTABLE)
  # GNU ld alone drops what is unused before it looks for what that would need.
  add_link_options(-Wl,--gc-sections)
elseif(FEWSTEP_MOLD)
  # mold 1.10, Debian 12's, begins RELRO at .tbss, which may lie on the page before the segment: such a program does not
  # load ("cannot apply additional memory protection after relocation"), by chance of its layout.
  add_link_options(-fuse-ld=mold LINKER:-z,norelro)
endif()

add_library(fewstep_options INTERFACE)
add_library(fewstep::options ALIAS fewstep_options)
target_include_directories(fewstep_options INTERFACE ${PROJECT_SOURCE_DIR})
# -Wno-restrict: false alarms of g++ 12 on std::string concatenation (GCC bug 105651).
target_compile_options(fewstep_options INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wno-restrict
  $<$<BOOL:${FEWSTEP_WERROR}>:-Werror>)
target_compile_definitions(fewstep_options INTERFACE FEWSTEP_VERSION="${PROJECT_VERSION}")
if(FEWSTEP_SANITIZE)
  add_compile_options(-fsanitize=${FEWSTEP_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${FEWSTEP_SANITIZE})
endif()

# fewstep_headers(name LINK … HEADERS …): headers that are compiled once; fewstep_precompiled(target name) takes them.
option(FEWSTEP_PRECOMPILE "Compile the headers of LibTorch, JSON and GoogleTest once" ON)
function(fewstep_headers name)
  cmake_parse_arguments(ARG "" "" "LINK;HEADERS" ${ARGN})
  if(FEWSTEP_PRECOMPILE)
    file(CONFIGURE OUTPUT ${name}.cpp CONTENT "")
    add_library(fewstep_${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
    target_link_libraries(fewstep_${name} PRIVATE fewstep::options ${ARG_LINK})
    target_precompile_headers(fewstep_${name} PRIVATE ${ARG_HEADERS})
  endif()
endfunction()
function(fewstep_precompiled target name)
  if(FEWSTEP_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM fewstep_${name})
    # The same false alarms under other names: g++ does not see that precompiled headers are the system's.
    target_compile_options(${target} PRIVATE -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
endfunction()

# fewstep_sources(variable pattern… [EXCEPT file…]): the files of this folder that match, found anew at every build, so that
# a new sampler, metric or printer is in no list of files.
function(fewstep_sources variable)
  cmake_parse_arguments(ARG "" "" "EXCEPT" ${ARGN})
  file(GLOB found CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${ARG_UNPARSED_ARGUMENTS})
  list(REMOVE_ITEM found ${ARG_EXCEPT})
  set(${variable} ${found} PARENT_SCOPE)
endfunction()

# fewstep_library(name SOURCES … LINK … [PRECOMPILED headers]): a static library with the alias fewstep::name.
function(fewstep_library name)
  cmake_parse_arguments(ARG "" "PRECOMPILED" "SOURCES;LINK" ${ARGN})
  add_library(fewstep_${name} STATIC ${ARG_SOURCES})
  add_library(fewstep::${name} ALIAS fewstep_${name})
  target_link_libraries(fewstep_${name} PUBLIC fewstep::options ${ARG_LINK})
  if(ARG_PRECOMPILED)
    fewstep_precompiled(fewstep_${name} ${ARG_PRECOMPILED})
  endif()
endfunction()
