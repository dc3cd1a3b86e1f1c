// An attempt from execute to release.
#pragma once

#include <spindle/executor.h>

#include <memory>

#include "call.h"
#include "output.h"
#include "reflection.h"
#include "request.h"
#include "resolver.h"
#include "status.h"

namespace spindle_grpc {

struct Instance;

enum class Phase {
    fresh,
    resolving,  // waits for addresses
    describing, // waits for descriptors
    calling,    // the library has it
    flushing    // waits for room for the end of the artefact
};

struct Attempt final : private CallOwner {
    Attempt(Instance &instance, const spindle_request &source);
    ~Attempt();

    CallOwner &as_owner() { return *this; }
    int64_t left_ns(int64_t now_ns) const; // at least 0; INT64_MAX without a deadline

    Instance &instance;
    const spindle_request &source;
    const spindle_host *host;
    spindle_host_ctx *ctx;
    spindle_handle handle;
    Request request;
    int64_t started_ns;
    int64_t deadline_ns = -1; // CLOCK_MONOTONIC; -1 = none

    // Guarded by the loop's lock.
    bool queued = false;
    bool done = false; // complete was or will be called: the loop does not want to hear of it again
    bool cancel_wanted = false;
    bool writable = false;
    bool resolved = false;

    // The loop's thread alone.
    Phase phase = Phase::fresh;
    bool timed = false;     // among the loop's deadlines
    bool cancelled = false; // the call was broken off because cancel asked for it
    lookup *names = nullptr;
    std::shared_ptr<grpc::Channel> channel;
    Reflection *reflection = nullptr;
    std::shared_ptr<const Schema> schema;
    const google::protobuf::MethodDescriptor *method = nullptr;
    bool described_by_server = false;
    std::unique_ptr<Call> call;
    bool ended = false; // the call is over: what the server sent with it can be read
    Output output;
    int64_t messages = 0;
    int64_t heartbeat_ns = 0;
    std::unique_ptr<Judgement> stopped; // why this side broke the call off
    grpc::Status status;

  private:
    bool call_message(std::string bytes) override;
    void call_ended(const grpc::Status &status) override;
};

// While it lives the host blames the attempt for what its thread does.
class Working {
  public:
    explicit Working(const Attempt &attempt) : host_(attempt.host), ctx_(attempt.ctx) {
        if (SPINDLE_OFFERS(host_, enter)) before_ = host_->enter(ctx_, attempt.handle);
    }
    ~Working() {
        if (SPINDLE_OFFERS(host_, enter)) host_->enter(ctx_, before_);
    }
    Working(const Working &) = delete;

  private:
    const spindle_host *host_;
    spindle_host_ctx *ctx_;
    spindle_handle before_ = 0;
};

} // namespace spindle_grpc
