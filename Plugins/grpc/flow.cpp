#include "flow.h"

#include <netdb.h>

#include "instance.h"
#include "messages.h"
#include "outcome.h"
#include "thread.h"

namespace spindle_grpc {

namespace {

constexpr int64_t second_ns = 1000000000;

void resolved_in_time(void *context) {
    Attempt &a = *static_cast<Attempt *>(context);
    a.instance.loop.post(a, &Attempt::resolved);
}

void connect(Attempt &a, const std::vector<address> &addresses) {
    const Config &config = a.instance.config;
    for (const address &where : addresses) {
        // One bad address spoils all: a name that points both outside and inside is an attack or a mistake.
        if (!address_allowed(&config.policy, &where, a.request.target.port)) {
            outcome_address(a);
            return;
        }
    }
    a.channel = a.instance.channels.get(a.request.target, addresses);
    describe(a);
}

void begin(Attempt &a) {
    const Target &target = a.request.target;
    if (a.left_ns(clock_mono_ns()) == 0) {
        outcome_error(a, SPINDLE_RETRYABLE, "grpc.timeout", "there was no time left to begin with");
    } else if (a.instance.config.tls_required && !target.tls) {
        outcome_error(a, SPINDLE_PERMANENT, "grpc.target", "an operator requires TLS: write grpcs:// instead of grpc://");
    } else if (target.literal) {
        connect(a, {target.where});
    } else {
        a.phase = Phase::resolving;
        a.instance.loop.watch(a);
        a.names = lookup_start(target.host.c_str(), resolved_in_time, &a);
        if (a.names == nullptr) outcome_error(a, SPINDLE_RETRYABLE, "grpc.internal", "the name could not be looked up");
    }
}

void resolved(Attempt &a) {
    int error = a.names->error;
    std::vector<address> addresses(a.names->addresses, a.names->addresses + a.names->count);
    lookup_end(a.names);
    a.names = nullptr;
    a.phase = Phase::fresh;
    a.instance.loop.unwatch(a);
    if (error == 0) connect(a, addresses);
    else outcome_error(a, SPINDLE_RETRYABLE, "grpc.dns", std::string("the host's name could not be resolved: ") + gai_strerror(error));
}

// Breaks the call off; the outcome comes when it has ended. Always true.
bool stop(Attempt &a, int32_t outcome, const char *code, const std::string &message) {
    if (a.stopped == nullptr) a.stopped = std::make_unique<Judgement>(Judgement{outcome, code, message, -1});
    a.call->cancel();
    return true;
}

bool stop_too_large(Attempt &a, const char *why) {
    return stop(a, SPINDLE_PERMANENT, "grpc.response.too_large", std::string("the response is longer than ") + why);
}

void end_artefact(Attempt &a) {
    switch (a.output.end()) {
    case Output::Step::taken: outcome_success(a); return;
    case Output::Step::no_room:
        a.phase = Phase::flushing;
        a.instance.loop.watch(a);
        return;
    case Output::Step::refused:
        outcome_error(a, SPINDLE_PERMANENT, "grpc.response.too_large", "the response is longer than the host keeps as an artefact");
    }
}

void writable(Attempt &a) {
    if (a.phase == Phase::flushing) {
        a.instance.loop.unwatch(a);
        end_artefact(a);
    } else if (a.phase == Phase::calling && a.call->is_paused()) {
        Output::Step step = a.output.flush();
        if (step == Output::Step::no_room) return;
        a.instance.loop.unwatch(a);
        if (step == Output::Step::refused) stop_too_large(a, "the host keeps as an artefact");
        else a.call->resume();
    }
}

void cancel(Attempt &a) {
    if (a.phase == Phase::calling) {
        a.cancelled = true;
        a.call->cancel(); // the server hears of it; the outcome comes with the call's end
        return;
    }
    describe_leave(a);
    outcome_error(a, SPINDLE_CANCELLED, "grpc.cancelled", "the call was broken off");
}

void heartbeat(Attempt &a) {
    int64_t now = clock_mono_ns();
    if (now - a.heartbeat_ns < second_ns || !SPINDLE_OFFERS(a.host, heartbeat)) return;
    a.heartbeat_ns = now;
    (void)a.host->heartbeat(a.ctx, a.handle);
}

bool take(Attempt &a, const std::string &bytes) {
    int64_t most = a.instance.config.max_artefact_bytes - a.output.bytes();
    std::string json, why;
    if (a.stopped != nullptr) return true;
    heartbeat(a);
    if (++a.messages > 1 && !a.method->server_streaming()) {
        return stop(a, SPINDLE_PERMANENT, "grpc.response", "the server sent more than one message to a call that has one");
    }
    switch (message_decode(json, *a.schema, *a.method->output_type(), bytes, a.request.emit_defaults,
                           most < 1 ? 1 : (size_t)most, why)) {
    case Decoded::too_large: return stop_too_large(a, "maxArtefactBytes");
    case Decoded::malformed:
        return stop(a, SPINDLE_PERMANENT, "grpc.response",
                    "the server's message does not fit " + a.method->output_type()->full_name() + ": " + why.substr(0, 400));
    case Decoded::ok: break;
    }
    if (a.method->server_streaming()) json += '\n';
    switch (a.output.add(json)) {
    case Output::Step::taken: return true;
    case Output::Step::refused: return stop_too_large(a, "MaxResponseBytes, and the host keeps no artefact of it");
    case Output::Step::no_room: break;
    }
    a.instance.loop.watch(a);
    return false;
}

void end(Attempt &a) {
    bool connected = a.channel->GetState(false) == GRPC_CHANNEL_READY;
    if (a.status.error_code() == grpc::StatusCode::UNAVAILABLE && !connected) {
        a.instance.channels.drop(a.channel);
    }
    if (a.stopped != nullptr) {
        outcome_judged(a, *a.stopped);
    } else if (!a.status.ok()) {
        outcome_judged(a, status_judge(a.status, a.call->context().GetServerTrailingMetadata(), a.cancelled, connected));
    } else if (a.messages == 0 && !a.method->server_streaming()) {
        outcome_error(a, SPINDLE_PERMANENT, "grpc.response", "the server said OK without sending a message");
    } else if (a.output.has_artefact()) {
        end_artefact(a);
    } else {
        outcome_success(a);
    }
}

} // namespace

void flow_failed(Attempt &a) {
    if (a.phase == Phase::calling && a.call != nullptr) {
        stop(a, SPINDLE_RETRYABLE, "grpc.internal", "out of memory");
        return;
    }
    describe_leave(a);
    outcome_error(a, SPINDLE_RETRYABLE, "grpc.internal", "out of memory");
}

void flow_described(Attempt &a) {
    std::vector<std::string> messages;
    Fault fault;
    if (!messages_encode(messages, *a.schema, *a.method, a.request, a.source.payload, fault)) {
        for (std::string &message : messages) wipe(message);
        outcome_error(a, SPINDLE_PERMANENT, fault.code.c_str(), fault.message, fault.pointer);
        return;
    }
    a.call = std::make_unique<Call>(a.as_owner(), a.channel, a.request.target.path(), a.instance.loop.queue());
    if (a.deadline_ns >= 0) {
        a.call->context().set_deadline(gpr_timespec{a.deadline_ns / second_ns, (int32_t)(a.deadline_ns % second_ns), GPR_CLOCK_MONOTONIC});
    }
    for (const auto &entry : a.request.metadata) a.call->context().AddMetadata(entry.first, entry.second);
    for (std::string &message : messages) a.call->send(std::move(message));
    a.call->close();
    a.phase = Phase::calling;
    a.call->start();
}

void flow_handle(Attempt &a, Events events) {
    flow_guarded(a, [&] {
        if (events.cancel) cancel(a);
        else if (a.phase == Phase::fresh) begin(a);
        else if (events.resolved && a.phase == Phase::resolving) resolved(a);
        else if (events.writable) writable(a);
    });
}

void flow_expire(Attempt &a) {
    flow_guarded(a, [&] {
        switch (a.phase) {
        case Phase::resolving:
            outcome_error(a, SPINDLE_RETRYABLE, "grpc.timeout", "the host's name was not resolved in time");
            return;
        case Phase::describing:
            describe_leave(a);
            outcome_error(a, SPINDLE_RETRYABLE, "grpc.timeout", "the server did not give its descriptors in time");
            return;
        case Phase::calling: a.call->abandon(grpc::StatusCode::DEADLINE_EXCEEDED); return; // it is paused
        case Phase::flushing:
            outcome_error(a, SPINDLE_RETRYABLE, "grpc.timeout", "the response was not kept in time");
            return;
        case Phase::fresh: return;
        }
    });
}

bool flow_message(Attempt &a, const std::string &bytes) {
    bool more = true;
    flow_guarded(a, [&] { more = take(a, bytes); });
    return more;
}

void flow_ended(Attempt &a, const grpc::Status &status) {
    a.phase = Phase::fresh;
    a.ended = true;
    a.instance.loop.unwatch(a);
    flow_guarded(a, [&] {
        a.status = status;
        end(a);
    });
}

} // namespace spindle_grpc
