// What happens to an attempt, step by step; all on the loop's thread. After each of these it may be gone.
#pragma once

#include "attempt.h"

namespace spindle_grpc {

struct Events {
    bool cancel, writable, resolved;
};

void flow_handle(Attempt &attempt, Events events);
void flow_expire(Attempt &attempt);

// Of its call.
bool flow_message(Attempt &attempt, const std::string &bytes);
void flow_ended(Attempt &attempt, const grpc::Status &status);

// In describe.cpp: finds the method's descriptors, then goes on with flow_described.
void describe(Attempt &attempt);
void describe_leave(Attempt &attempt); // it does not wait any more
void describe_stop(void *instance);    // ends what is under way for nobody
bool describe_idle(void *instance);    // nothing is any more

void flow_described(Attempt &attempt);

// Neither a lack of memory nor a check of protobuf's may end the thread: the attempt ends instead.
void flow_failed(Attempt &attempt);
template <typename Step> void flow_guarded(Attempt &attempt, Step step) {
    try {
        step();
    } catch (...) {
        flow_failed(attempt);
    }
}

} // namespace spindle_grpc
