// framer - SPDY frames between bytes and lines of text, by the framer of Go's spdystream. Its counterpart on
// weir's codec is tests/helpers/spdy_peer.c, which has the format of the lines.
//
//	framer read < frames > lines
//	framer write < lines > frames
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/moby/spdystream/spdy"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "framer:", err)
		os.Exit(1)
	}
}

// fieldsText sorts by name, since Go has no order of names; values keep theirs.
func fieldsText(headers http.Header) string {
	names := make([]string, 0, len(headers))
	for name := range headers {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return strings.ToLower(names[i]) < strings.ToLower(names[j]) })
	text := ""
	for _, name := range names {
		for _, value := range headers[name] {
			text += " " + hex.EncodeToString([]byte(strings.ToLower(name))) + "=" +
				hex.EncodeToString([]byte(value))
		}
	}
	return text
}

func frameText(frame spdy.Frame) string {
	switch f := frame.(type) {
	case *spdy.DataFrame:
		return fmt.Sprintf("DATA %d %d %s", f.Flags, f.StreamId, "-"+hex.EncodeToString(f.Data))
	case *spdy.SynStreamFrame:
		return fmt.Sprintf("SYN_STREAM %d %d %d %d%s", f.CFHeader.Flags, f.StreamId, f.AssociatedToStreamId,
			f.Priority, fieldsText(f.Headers))
	case *spdy.SynReplyFrame:
		return fmt.Sprintf("SYN_REPLY %d %d%s", f.CFHeader.Flags, f.StreamId, fieldsText(f.Headers))
	case *spdy.HeadersFrame:
		return fmt.Sprintf("HEADERS %d %d%s", f.CFHeader.Flags, f.StreamId, fieldsText(f.Headers))
	case *spdy.RstStreamFrame:
		return fmt.Sprintf("RST_STREAM %d %d %d", f.CFHeader.Flags, f.StreamId, f.Status)
	case *spdy.SettingsFrame:
		text := fmt.Sprintf("SETTINGS %d", f.CFHeader.Flags)
		for _, s := range f.FlagIdValues {
			text += fmt.Sprintf(" %d:%d:%d", s.Flag, s.Id, s.Value)
		}
		return text
	case *spdy.PingFrame:
		return fmt.Sprintf("PING %d %d", f.CFHeader.Flags, f.Id)
	case *spdy.GoAwayFrame:
		return fmt.Sprintf("GOAWAY %d %d %d", f.CFHeader.Flags, f.LastGoodStreamId, f.Status)
	case *spdy.WindowUpdateFrame:
		return fmt.Sprintf("WINDOW_UPDATE %d %d %d", f.CFHeader.Flags, f.StreamId, f.DeltaWindowSize)
	}
	return fmt.Sprintf("%T", frame)
}

func read() {
	framer, err := spdy.NewFramer(io.Discard, bufio.NewReader(os.Stdin))
	fail(err)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		frame, err := framer.ReadFrame()
		if err == io.EOF {
			return
		}
		if err != nil {
			fmt.Fprintln(out, "error", err)
			return
		}
		fmt.Fprintln(out, frameText(frame))
	}
}

func number(word string) uint32 {
	value, err := strconv.ParseUint(word, 10, 32)
	fail(err)
	return uint32(value)
}

func octets(word string) []byte {
	bytes, err := hex.DecodeString(word)
	fail(err)
	return bytes
}

func fields(words []string) http.Header {
	headers := http.Header{}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		key := string(octets(name))
		headers[key] = append(headers[key], string(octets(value)))
	}
	return headers
}

func parseSettings(words []string) []spdy.SettingsFlagIdValue {
	settings := []spdy.SettingsFlagIdValue{}
	for _, word := range words {
		parts := strings.Split(word, ":")
		settings = append(settings, spdy.SettingsFlagIdValue{Flag: spdy.SettingsFlag(number(parts[0])),
			Id: spdy.SettingsId(number(parts[1])), Value: number(parts[2])})
	}
	return settings
}

func parseFrame(words []string) spdy.Frame {
	header := spdy.ControlFrameHeader{Flags: spdy.ControlFlags(number(words[1]))}
	id := func(at int) spdy.StreamId { return spdy.StreamId(number(words[at])) }
	switch words[0] {
	case "DATA":
		return &spdy.DataFrame{Flags: spdy.DataFlags(number(words[1])), StreamId: id(2), Data: octets(words[3][1:])}
	case "SYN_STREAM":
		return &spdy.SynStreamFrame{CFHeader: header, StreamId: id(2), AssociatedToStreamId: id(3),
			Priority: uint8(number(words[4])), Headers: fields(words[5:])}
	case "SYN_REPLY":
		return &spdy.SynReplyFrame{CFHeader: header, StreamId: id(2), Headers: fields(words[3:])}
	case "HEADERS":
		return &spdy.HeadersFrame{CFHeader: header, StreamId: id(2), Headers: fields(words[3:])}
	case "RST_STREAM":
		return &spdy.RstStreamFrame{CFHeader: header, StreamId: id(2),
			Status: spdy.RstStreamStatus(number(words[3]))}
	case "SETTINGS":
		return &spdy.SettingsFrame{CFHeader: header, FlagIdValues: parseSettings(words[2:])}
	case "PING":
		return &spdy.PingFrame{CFHeader: header, Id: number(words[2])}
	case "GOAWAY":
		return &spdy.GoAwayFrame{CFHeader: header, LastGoodStreamId: id(2),
			Status: spdy.GoAwayStatus(number(words[3]))}
	case "WINDOW_UPDATE":
		return &spdy.WindowUpdateFrame{CFHeader: header, StreamId: id(2), DeltaWindowSize: number(words[3])}
	}
	fail(fmt.Errorf("no frame: %q", words))
	return nil
}

func write() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	framer, err := spdy.NewFramer(out, strings.NewReader(""))
	fail(err)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		fail(framer.WriteFrame(parseFrame(strings.Fields(lines.Text()))))
	}
	fail(lines.Err())
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "read" {
		read()
	} else if len(os.Args) == 2 && os.Args[1] == "write" {
		write()
	} else {
		fail(fmt.Errorf("usage: framer read|write"))
	}
}
