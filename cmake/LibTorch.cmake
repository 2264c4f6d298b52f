# LibTorch from the PyPI wheel: the two libraries that a CPU needs, as imported targets. find_package(Torch) would insist
# on a CUDA toolkit, and libtorch.so pulls in libtorch_cuda.so; CUDA is loaded at run time instead (core/device.cpp).
set(FEWSTEP_TORCH ${FEWSTEP_DEPS}/torch/torch)
if(NOT EXISTS ${FEWSTEP_TORCH}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "LibTorch is not in ${FEWSTEP_TORCH}: run tools/setup.sh")
endif()

add_library(torch::c10 SHARED IMPORTED)
set_target_properties(torch::c10 PROPERTIES
  IMPORTED_LOCATION ${FEWSTEP_TORCH}/lib/libc10.so)
target_include_directories(torch::c10 SYSTEM INTERFACE ${FEWSTEP_TORCH}/include)

add_library(torch::cpu SHARED IMPORTED)
set_target_properties(torch::cpu PROPERTIES IMPORTED_LOCATION ${FEWSTEP_TORCH}/lib/libtorch_cpu.so)
target_include_directories(torch::cpu SYSTEM INTERFACE ${FEWSTEP_TORCH}/include
  ${FEWSTEP_TORCH}/include/torch/csrc/api/include)
target_link_libraries(torch::cpu INTERFACE torch::c10)

# The OpenMP that LibTorch itself runs on: at::parallel_for is inlined, and one thread's work without it.
add_library(torch::openmp SHARED IMPORTED)
set_target_properties(torch::openmp PROPERTIES IMPORTED_LOCATION ${FEWSTEP_TORCH}/lib/libgomp.so.1)
# Compiles sources of the folder's target with OpenMP; the target links torch::openmp.
function(fewstep_parallel)
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS -fopenmp SKIP_PRECOMPILE_HEADERS ON)
endfunction()
