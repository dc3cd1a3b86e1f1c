#include "loop.h"

#include <algorithm>

#include "flow.h"
#include "thread.h"

namespace spindle_grpc {

namespace {

gpr_timespec at(int64_t mono_ns) {
    gpr_timespec time;
    time.tv_sec = mono_ns / 1000000000;
    time.tv_nsec = (int32_t)(mono_ns % 1000000000);
    time.clock_type = GPR_CLOCK_MONOTONIC;
    return time;
}

} // namespace

bool Loop::start() {
    running_ = thread_start(&thread_, "grpc-loop", run, this);
    return running_;
}

void Loop::stop() {
    if (running_) {
        {
            std::lock_guard<std::mutex> guard(lock_);
            stopping_ = true;
            wake();
        }
        pthread_join(thread_, nullptr);
        running_ = false;
        return;
    }
    queue_.Shutdown();
    void *tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
    }
}

void Loop::wake() {
    if (awake_) return;
    awake_ = true;
    alarm_.Set(&queue_, gpr_inf_past(GPR_CLOCK_MONOTONIC), static_cast<Tag *>(&wake_));
}

void Loop::post(Attempt &attempt, bool Attempt::*flag) {
    std::lock_guard<std::mutex> guard(lock_);
    if (attempt.done) return;
    if (flag != nullptr) attempt.*flag = true;
    if (!attempt.queued) {
        inbox_.push_back(&attempt);
        attempt.queued = true;
    }
    // Under the lock: the wake-up is then over before the attempt can be retired and the loop destroyed.
    wake();
}

void Loop::watch(Attempt &attempt) {
    if (attempt.timed || attempt.deadline_ns < 0) return;
    deadlines_.emplace(attempt.deadline_ns, &attempt);
    attempt.timed = true;
}

void Loop::unwatch(Attempt &attempt) {
    if (attempt.timed) deadlines_.erase({attempt.deadline_ns, &attempt});
    attempt.timed = false;
}

void Loop::retire(Attempt &attempt) {
    lookup_end(attempt.names); // before `done`: until here it may still post
    attempt.names = nullptr;
    unwatch(attempt);
    std::lock_guard<std::mutex> guard(lock_);
    attempt.done = true;
    if (attempt.queued) inbox_.erase(std::find(inbox_.begin(), inbox_.end(), &attempt));
    attempt.queued = false;
}

bool Loop::is_stopping() {
    std::lock_guard<std::mutex> guard(lock_);
    return stopping_;
}

// One at a time, because handling one may retire another that is further back.
void Loop::drain() {
    {
        std::lock_guard<std::mutex> guard(lock_);
        awake_ = false;
    }
    for (;;) {
        Attempt *attempt;
        Events events;
        {
            std::lock_guard<std::mutex> guard(lock_);
            if (inbox_.empty()) break;
            attempt = inbox_.front();
            inbox_.pop_front();
            attempt->queued = false;
            events = {attempt->cancel_wanted, attempt->writable, attempt->resolved};
            attempt->writable = attempt->resolved = false;
        }
        Working working(*attempt);
        flow_handle(*attempt, events);
    }
}

void Loop::expire(int64_t now_ns) {
    while (!deadlines_.empty() && deadlines_.begin()->first <= now_ns) {
        Attempt &attempt = *deadlines_.begin()->second;
        Working working(attempt);
        unwatch(attempt);
        flow_expire(attempt);
    }
}

void Loop::work() {
    void *tag;
    bool ok;
    for (;;) {
        if (!told_ && is_stopping()) {
            told_ = true;
            stopping(context);
        }
        // A call still begins operations while it ends, which a queue that is shut down does not take.
        if (told_ && !shut_ && idle(context)) {
            shut_ = true;
            queue_.Shutdown();
        }
        gpr_timespec until = deadlines_.empty() ? gpr_inf_future(GPR_CLOCK_MONOTONIC) : at(deadlines_.begin()->first);
        switch (queue_.AsyncNext(&tag, &ok, until)) {
        case grpc::CompletionQueue::SHUTDOWN: return;
        case grpc::CompletionQueue::GOT_EVENT: static_cast<Tag *>(tag)->done(ok); break;
        case grpc::CompletionQueue::TIMEOUT: break;
        }
        expire(clock_mono_ns());
    }
}

void *Loop::run(void *loop) {
    static_cast<Loop *>(loop)->work();
    return nullptr;
}

} // namespace spindle_grpc
