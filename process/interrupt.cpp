#include "process/interrupt.h"

#include <csignal>
#include <initializer_list>

namespace fewstep {
namespace {

volatile std::sig_atomic_t caught = 0;

void on_signal(int) {
  caught = 1;
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

}  // namespace

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

bool interrupted() { return caught != 0; }

}  // namespace fewstep
