# `cmake --install`: a tree that may be moved. Component programs: the two programs, the pocket world, published numbers;
# component libraries: LibTorch for the CPU and Arrow, laid out as in site-packages, for their own search paths lead from
# one to the other. The wheel takes programs alone: the libraries are those of the installed torch and pyarrow.
set(programs_origin $ORIGIN/../lib/fewstep)
set_target_properties(fewstep fewstep-engine PROPERTIES
  INSTALL_RPATH "${programs_origin}/torch/lib:${programs_origin}/pyarrow")
install(TARGETS fewstep fewstep-engine RUNTIME DESTINATION bin COMPONENT programs)
if(FEWSTEP_CUDA)
  install(TARGETS fewstep_cuda LIBRARY DESTINATION bin COMPONENT programs)
endif()
install(DIRECTORY results/published DESTINATION share/fewstep/results COMPONENT programs)
install(FILES LICENSE DESTINATION share/fewstep COMPONENT programs)

# Equal files once, packed by xz: half a minute, and not again while pocket/ is what it was.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
install(CODE "execute_process(COMMAND_ERROR_IS_FATAL ANY COMMAND
  \"${Python3_EXECUTABLE}\" \"${PROJECT_SOURCE_DIR}/tools/pack_pocket.py\" \"${PROJECT_BINARY_DIR}/pocket.tar.xz\")" COMPONENT programs)
install(FILES ${PROJECT_BINARY_DIR}/pocket.tar.xz DESTINATION share/fewstep COMPONENT programs)

# What the launcher of the wheel compares with the installed torch.
file(STRINGS ${FEWSTEP_TORCH}/version.py torch_version REGEX "^__version__")
string(REGEX REPLACE ".*'([0-9]+\\.[0-9]+).*" "\\1" torch_release "${torch_version}")
cmake_path(GET arrow_library FILENAME arrow_name)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/_built.py @ONLY CONTENT [[
"""What the programs beside this file were linked with. Written by cmake/Install.cmake."""
TORCH_RELEASE = "@torch_release@"
ARROW_LIBRARY = "@arrow_name@"
]])
install(FILES ${PROJECT_BINARY_DIR}/_built.py DESTINATION . COMPONENT python EXCLUDE_FROM_ALL)

install(FILES ${FEWSTEP_TORCH}/lib/libtorch_cpu.so ${FEWSTEP_TORCH}/lib/libc10.so ${FEWSTEP_TORCH}/lib/libgomp.so.1
  DESTINATION lib/fewstep/torch/lib COMPONENT libraries)
file(GLOB cuda_runtime ${FEWSTEP_DEPS}/torch/nvidia/cu13/lib/libcudart.so.* ${FEWSTEP_DEPS}/torch/nvidia/cu13/lib/libcupti.so.*)
install(FILES ${cuda_runtime} DESTINATION lib/fewstep/nvidia/cu13/lib COMPONENT libraries)
install(FILES ${arrow_library} ${parquet_library} DESTINATION lib/fewstep/pyarrow COMPONENT libraries)
