#include "call.h"

#include <grpcpp/channel.h>

#include "fault.h"

namespace spindle_grpc {

namespace {

bool to_string(const grpc::ByteBuffer &buffer, std::string &bytes) {
    std::vector<grpc::Slice> slices;
    if (!buffer.Dump(&slices).ok()) return false;
    bytes.reserve(buffer.Length());
    for (const grpc::Slice &slice : slices) bytes.append((const char *)slice.begin(), slice.size());
    return true;
}

} // namespace

Call::Call(CallOwner &owner, std::shared_ptr<grpc::Channel> channel, std::string path, grpc::CompletionQueue &queue)
    : owner_(owner), channel_(std::move(channel)), path_(std::move(path)), queue_(queue) {}

void Call::send(std::string bytes) {
    outgoing_.push_back(std::move(bytes));
    if (started_) write_next();
}

void Call::close() {
    closing_ = true;
    if (started_) write_next();
}

void Call::start() {
    stream_ = grpc::GenericStub(channel_).PrepareCall(&context_, path_, &queue_);
    stream_->StartCall(&start_);
}

void Call::started(bool ok) {
    started_ = true;
    if (!ok) over_ = true;
    else {
        reading_ = true;
        stream_->Read(&read_, &receive_);
        write_next();
    }
    end_if_idle();
}

void Call::write_next() {
    if (writing_ || over_ || closed_) return;
    if (!outgoing_.empty()) {
        grpc::Slice slice(outgoing_.front());
        grpc::WriteOptions options;
        wipe(outgoing_.front());
        outgoing_.pop_front();
        sent_ = grpc::ByteBuffer(&slice, 1);
        if (closing_ && outgoing_.empty()) {
            options.set_last_message();
            closed_ = true;
        }
        writing_ = true;
        stream_->Write(sent_, options, &write_);
    } else if (closing_) {
        closed_ = true;
        writing_ = true;
        stream_->WritesDone(&write_);
    }
}

void Call::written(bool ok) {
    writing_ = false;
    sent_.Clear();
    // The server does not want more: it has answered, and the status says what.
    if (!ok) closed_ = true;
    else write_next();
    end_if_idle();
}

void Call::received(bool ok) {
    std::string bytes;
    reading_ = false;
    if (!ok) over_ = true;
    else {
        bool more = to_string(read_, bytes);
        read_.Clear();
        if (!more) context_.TryCancel();
        else if (!owner_.call_message(std::move(bytes))) paused_ = true;
        if (!paused_) {
            reading_ = true;
            stream_->Read(&read_, &receive_);
        }
    }
    end_if_idle();
}

void Call::resume() {
    if (!paused_ || over_) return;
    paused_ = false;
    reading_ = true;
    stream_->Read(&read_, &receive_);
}

void Call::cancel() {
    context_.TryCancel();
    abandon(grpc::StatusCode::CANCELLED);
}

void Call::abandon(grpc::StatusCode instead) {
    if (!paused_) return; // a read is under way and will end
    instead_ = instead;
    paused_ = false;
    over_ = true;
    end_if_idle();
}

void Call::end_if_idle() {
    if (!over_ || writing_ || reading_ || finishing_) return;
    finishing_ = true;
    for (std::string &bytes : outgoing_) wipe(bytes);
    outgoing_.clear();
    stream_->Finish(&status_, &finish_);
}

void Call::finished(bool) {
    grpc::Status status = status_;
    if (status.ok() && instead_ != grpc::StatusCode::OK) status = grpc::Status(instead_, "the response was not read to its end");
    owner_.call_ended(status); // `this` may be gone
}

} // namespace spindle_grpc
