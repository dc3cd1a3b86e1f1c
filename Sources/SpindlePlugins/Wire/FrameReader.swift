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
        /// So much was read that others come first; more may be there.
        case more
        /// The other side closed the stream.
        case closed
        /// The bytes are not the protocol, or the socket failed.
        case broken
    }

    /// What one call reads, in bytes: who keeps its socket full must not keep the thread, too.
    static let turn = 256 * 1024

    /// Reads what is there and hands over each whole frame; it is valid during the call only.
    ///
    /// - Parameters:
    ///   - limit: Stops after so many bytes, or little more.
    ///   - body: Returns false to stop: the frame is broken.
    func read(_ descriptor: Int32, atMost limit: Int = turn, _ body: (borrowing spw_frame) -> Bool) -> End {
        var taken = 0
        while taken < limit {
            let before = input.length
            var drained: Int32 = 0
            let status = spw_input_fill(&input, descriptor, &drained)
            switch status {
            case Int32(SPW_OK): break
            case Int32(SPW_MORE): return .drained
            case Int32(SPW_CLOSED): return .closed
            default: return .broken
            }
            taken += input.length - before
            if !takeFrames(body) { return .broken }
            if drained != 0 { return .drained }
        }
        return .more
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
