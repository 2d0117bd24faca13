// A reader of OpenBWV recordings that knows docs/ref/recording-format.md and .cddl, and no line of the Python code.
//
//	reader [--trust trust.pem] FOLDER
//
// prints the verdict, then why, and ends with 0 genuine, 1 changed, 2 cannot-tell, 64 bad usage, 74 unreadable. Go's
// standard library alone. It judges one recording, without a key; no receipts, no revocation list, no journal.
package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
)

const mostEntry = 256 << 10

// recording is what a reader must remember from one entry to the next.
type recording struct {
	chain      []*certificate
	kid, id    []byte
	tail       [32]byte
	next, mono int64
	open       dict
	closed     bool
	line       *timeline
	media      *bufio.Reader
}

// entry takes one whole COSE_Sign1, its tag taken off, or says why not.
func (r *recording) entry(message any) error {
	if !tuple(anyBytes, whatever, anyBytes, size(64))(message) {
		return errors.New("malformed: not a COSE_Sign1")
	}
	parts := message.([]any)
	protectedBytes, payloadBytes, signature := parts[0].([]byte), parts[2].([]byte), parts[3].([]byte)
	protected, err := whole(protectedBytes)
	if err != nil || !header(protected) || len(protected.(dict)) != 3 {
		return errors.New("malformed: protected header")
	}
	content, err := whole(payloadBytes)
	if err != nil || !payload(content) {
		return errors.New("malformed: payload")
	}
	fields := content.(dict)
	kind, kid := fields.int(1), protected.(dict).bytes(4)
	if !fits(kind, fields[int64(6)]) {
		return errors.New("malformed: body")
	}
	body := fields.dict(6)
	if r.closed {
		return errors.New("an entry after CLOSE")
	}
	if (r.next == 0) != (kind == typeOpen) {
		return errors.New("OPEN is not the first entry, or not alone")
	}
	if r.next == 0 {
		if !chained(parts[1]) || len(parts[1].(dict)) != 1 {
			return errors.New("malformed: no certificate chain on OPEN")
		}
		if r.chain, err = chainOf(parts[1].(dict).list(33)); err != nil {
			return err
		}
		if own := sha256.Sum256(r.chain[0].Signed.Key.FullBytes); !bytes.Equal(own[:], kid) {
			return errors.New("the leaf has another key")
		}
		if !datesHold(r.chain, body.dict(12)) {
			return errors.New("certificate dates")
		}
		r.kid, r.id, r.open = kid, fields.bytes(2), body
	} else if !emptyMap(parts[1]) {
		return errors.New("malformed: unprotected header")
	}
	recovered := kind == typeClose && body.int(1) == 6
	switch {
	case !bytes.Equal(kid, r.kid):
		return errors.New("another key")
	case !bytes.Equal(fields.bytes(2), r.id):
		return errors.New("another recording's entry")
	case fields.int(3) != r.next:
		return errors.New("a gap in the sequence")
	case !bytes.Equal(fields.bytes(4), r.tail[:]):
		return errors.New("not chained to the entry before")
	case recovered && body.int(4) <= r.open.int(8):
		return errors.New("recovered in the start that opened it")
	case !recovered && fields.int(5) < r.mono:
		return errors.New("time went back")
	}
	signed := append([]byte{0x84, 0x6a}, "Signature1"...)
	signed = append(signed, encoded(protectedBytes)...)
	signed = append(append(signed, 0x40), encoded(payloadBytes)...)
	digest := sha256.Sum256(signed)
	key, err := r.chain[0].key()
	if err != nil || !ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return errors.New("signature wrong")
	}
	r.tail, r.mono = digest, fields.int(5)
	r.next++
	return r.follow(kind, body)
}

// follow checks what a good entry says against the timeline and the media.
func (r *recording) follow(kind int64, body dict) error {
	switch kind {
	case typeOpen:
		r.line = newTimeline(body)
	case typeEvent:
		return r.line.event(body)
	case typeClose:
		r.closed = true
		return r.line.counts(body)
	case typeFrag:
		if err := r.line.fragment(body, r.mono); err != nil {
			return err
		}
		hash := sha256.New()
		if read, err := io.CopyN(hash, r.media, body.int(1)); err == io.EOF {
			return fmt.Errorf("media ends %d bytes too early", body.int(1)-read)
		} else if err != nil {
			return err
		}
		if !bytes.Equal(hash.Sum(nil), body.bytes(2)) {
			return errors.New("media bytes that are not the signed ones")
		}
	}
	return nil
}

// opened opens a file of the recording; a missing one counts as empty.
func opened(folder, name string) (io.ReadCloser, error) {
	file, err := os.Open(filepath.Join(folder, name))
	if errors.Is(err, fs.ErrNotExist) {
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	return file, err
}

// judge reads a folder to its end or to what does not hold.
func judge(folder string) (*recording, error) {
	found := &recording{}
	manifest, err := opened(folder, "manifest.cbor")
	if err != nil {
		return found, err
	}
	defer manifest.Close()
	media, err := opened(folder, "media.bin")
	if err != nil {
		return found, err
	}
	defer media.Close()
	found.media = bufio.NewReader(media)
	input := bufio.NewReaderSize(manifest, mostEntry)
	for {
		window, err := input.Peek(mostEntry)
		if len(window) == 0 && err == io.EOF {
			break
		} else if err != nil && err != io.EOF {
			return found, err
		}
		if window[0] != 0xd2 {
			return found, errors.New("bytes after the last entry")
		}
		value, rest, err := item(window[1:], 1) // the tag is level 0
		if err == nil {
			err = found.entry(value)
		}
		if err != nil {
			return found, fmt.Errorf("entry %d: %w", found.next, err)
		}
		if _, err = input.Discard(len(window) - len(rest)); err != nil {
			return found, err
		}
	}
	if found.next == 0 {
		return found, errors.New("no OPEN")
	}
	if _, err := found.media.ReadByte(); err == nil {
		return found, errors.New("media.bin: bytes after the last fragment")
	} else if err != io.EOF {
		return found, err
	}
	return found, nil
}

func finish(code int, verdict string, why any) {
	fmt.Printf("%s\n%v\n", verdict, why)
	os.Exit(code)
}

func main() {
	trust := flag.String("trust", "", "PEM file with the agency's CA certificate")
	flag.Parse()
	if flag.NArg() != 1 {
		finish(64, "usage", "reader [--trust trust.pem] FOLDER")
	}
	var roots []*certificate
	if *trust != "" {
		var err error
		if roots, err = trusted(*trust); err != nil {
			finish(64, "usage", err)
		}
	}
	found, err := judge(flag.Arg(0))
	var broken *fs.PathError
	if errors.As(err, &broken) {
		finish(74, "unreadable", err)
	} else if err != nil {
		finish(1, "changed", err)
	}
	yes, sameName := vouched(found.chain[len(found.chain)-1], roots)
	switch {
	case yes:
		finish(0, "genuine", fmt.Sprintf("%d entries, closed %v", found.next, found.closed))
	case sameName:
		finish(1, "changed", "signed under another authority of the trusted one's name")
	case roots == nil:
		finish(2, "cannot-tell", fmt.Sprintf("unchanged since it was signed by key %x; whose key that is was not checked", found.kid))
	default:
		finish(2, "cannot-tell", "signed under an authority that is not in the trust file")
	}
}
