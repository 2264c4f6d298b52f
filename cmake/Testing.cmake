include(GoogleTest)
find_package(GTest REQUIRED)

fewstep_headers(test_headers LINK GTest::gmock nlohmann_json::nlohmann_json HEADERS <gmock/gmock.h> <nlohmann/json.hpp>)
fewstep_headers(torch_test_headers LINK GTest::gmock nlohmann_json::nlohmann_json torch::cpu
  HEADERS <gmock/gmock.h> <nlohmann/json.hpp> <ATen/ATen.h>)

# fewstep_tests(folder SOURCES … LINK … [PRECOMPILED headers]): one program fewstep_<folder>_tests; tests named *OnCuda* get the label gpu.
function(fewstep_tests folder)
  cmake_parse_arguments(ARG "" "PRECOMPILED" "SOURCES;LINK" ${ARGN})
  set(program fewstep_${folder}_tests)
  add_executable(${program} ${ARG_SOURCES})
  target_link_libraries(${program} PRIVATE fewstep::options GTest::gmock GTest::gtest_main ${ARG_LINK})
  fewstep_precompiled(${program} ${ARG_PRECOMPILED})
  target_include_directories(${program} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${program} PRIVATE
    FEWSTEP_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/golden" FEWSTEP_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    FEWSTEP_BINARY_DIR="${PROJECT_BINARY_DIR}/bin")
  # Tests run side by side: threads that wait by spinning take the cores from those that work (half the suite's time).
  set(environment ENVIRONMENT "OMP_WAIT_POLICY=passive" ENVIRONMENT_MODIFICATION "FEWSTEP_CACHE=set:")
  gtest_discover_tests(${program} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${folder}." TEST_FILTER "-*OnCuda*"
    PROPERTIES TIMEOUT 300 ${environment})
  gtest_discover_tests(${program} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${folder}." TEST_FILTER "*OnCuda*"
    PROPERTIES LABELS gpu TIMEOUT 300 ${environment})
endfunction()
