import SpindleWire

/// Frames as they come from one socket. One thread at a time.
final class FrameReader {
    private var input = spw_input()
    private var arena = spw_arena()

    init() {}

    deinit {
        spw_input_free(&input)
        spw_arena_free(&arena)
    }

    /// Why there is no further frame.
    enum End: Equatable {
        /// Nothing more is there now.
        case drained
        /// The other side closed the stream.
        case closed
        /// The bytes are not the protocol, or the socket failed.
        case broken
    }

    /// Reads all that is there and hands over each whole frame; it is valid during the call only.
    ///
    /// - Parameter body: Returns false to stop: the frame is broken.
    func read(_ descriptor: Int32, _ body: (borrowing spw_frame) -> Bool) -> End {
        while true {
            var drained: Int32 = 0
            let status = spw_input_fill(&input, descriptor, &drained)
            switch status {
            case Int32(SPW_OK): break
            case Int32(SPW_MORE): return .drained
            case Int32(SPW_CLOSED): return .closed
            default: return .broken
            }
            if !takeFrames(body) { return .broken }
            if drained != 0 { return .drained }
        }
    }

    private func takeFrames(_ body: (borrowing spw_frame) -> Bool) -> Bool {
        while true {
            var frame = spw_frame()
            let status = spw_input_next(&input, &frame)
            if status == Int32(SPW_MORE) { return true }
            guard status == Int32(SPW_OK) else { return false }
            let good = body(frame)
            spw_arena_free(&arena)
            if !good { return false }
        }
    }

    /// The frame's message; nil if its body is not one. Its bytes are valid as long as the frame.
    func decode<Message: BitwiseCopyable>(_ frame: borrowing spw_frame, _ empty: Message) -> Message? {
        var message = empty
        var frame = copy frame
        let status = withUnsafeMutablePointer(to: &message) {
            spw_decode(&frame, $0, MemoryLayout<Message>.size, &arena)
        }
        return status == Int32(SPW_OK) ? message : nil
    }
}
