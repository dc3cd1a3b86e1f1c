// One call: messages out, messages in, a status. The same for unary calls and for streams.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include <deque>
#include <memory>
#include <string>

namespace spindle_grpc {

// What a completion queue gives back; lives until it does.
struct Tag {
    virtual void done(bool ok) = 0;

  protected:
    ~Tag() = default;
};

// Whoever made the call; called on the loop's thread.
struct CallOwner {
    // False: no more for now, until `resume`.
    virtual bool call_message(std::string bytes) = 0;
    // Last. The call may be deleted in it.
    virtual void call_ended(const grpc::Status &status) = 0;

  protected:
    ~CallOwner() = default;
};

// On the loop's thread alone.
class Call {
  public:
    Call(CallOwner &owner, std::shared_ptr<grpc::Channel> channel, std::string path, grpc::CompletionQueue &queue);

    grpc::ClientContext &context() { return context_; }
    void send(std::string bytes);
    void close(); // nothing more is sent
    void start();
    void resume();
    void cancel();
    bool is_paused() const { return paused_; }
    // Asks for the status although messages may be left, if the call is paused. A call that then says OK has not ended so for
    // its owner, who has not seen all of it: it gets `instead`.
    void abandon(grpc::StatusCode instead);

  private:
    template <void (Call::*handle)(bool)> struct Step : Tag {
        explicit Step(Call &call) : call(call) {}
        void done(bool ok) override { (call.*handle)(ok); }
        Call &call;
    };
    void started(bool ok);
    void written(bool ok);
    void received(bool ok);
    void finished(bool ok);
    void write_next();
    void end_if_idle();

    CallOwner &owner_;
    std::shared_ptr<grpc::Channel> channel_;
    std::string path_;
    grpc::CompletionQueue &queue_;
    grpc::ClientContext context_;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
    std::deque<std::string> outgoing_;
    grpc::ByteBuffer sent_, read_;
    grpc::Status status_;
    grpc::StatusCode instead_ = grpc::StatusCode::OK;
    bool started_ = false, writing_ = false, reading_ = false, paused_ = false;
    bool closing_ = false, closed_ = false, over_ = false, finishing_ = false;
    Step<&Call::started> start_{*this};
    Step<&Call::written> write_{*this};
    Step<&Call::received> receive_{*this};
    Step<&Call::finished> finish_{*this};
};

} // namespace spindle_grpc
