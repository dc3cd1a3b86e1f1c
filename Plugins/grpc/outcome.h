// Ends an attempt. After each of these it may be gone.
#pragma once

#include "attempt.h"

namespace spindle_grpc {

void outcome_success(Attempt &attempt);
void outcome_judged(Attempt &attempt, const Judgement &judgement);
void outcome_error(Attempt &attempt, int32_t outcome, const char *code, const std::string &message,
                   const std::string &pointer = "");
// The same words whatever the reason: an answer that differs would let a job map what it may not reach.
void outcome_address(Attempt &attempt);

} // namespace spindle_grpc
