#include "attempt.h"

#include "flow.h"
#include "thread.h"

namespace spindle_grpc {

Attempt::Attempt(Instance &owner, const spindle_request &request_source)
    : instance(owner), source(request_source), host(source.host), ctx(source.ctx), handle(source.handle),
      started_ns(clock_mono_ns()), deadline_ns(source.deadline_mono_ns), output(request_source) {
    if (source.timeout_ms >= 0 && source.timeout_ms < INT64_MAX / 2000000) {
        int64_t end = started_ns + source.timeout_ms * 1000000;
        if (deadline_ns < 0 || end < deadline_ns) deadline_ns = end;
    }
}

Attempt::~Attempt() = default;

int64_t Attempt::left_ns(int64_t now_ns) const {
    if (deadline_ns < 0) return INT64_MAX;
    return deadline_ns <= now_ns ? 0 : deadline_ns - now_ns;
}

bool Attempt::call_message(std::string bytes) {
    Working working(*this);
    return flow_message(*this, bytes);
}

void Attempt::call_ended(const grpc::Status &end) {
    Working working(*this);
    flow_ended(*this, end);
}

} // namespace spindle_grpc
