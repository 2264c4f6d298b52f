#include "verdicts/printers.h"

namespace fewstep {

std::string print_verdict_table(const VerdictInput& input) {
  return terminal_text(document_of(input.comparison), input.colour);
}

}  // namespace fewstep
