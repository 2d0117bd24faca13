// Command checklog lets golang.org/x/mod judge what our log says. It reads one JSON question from standard input and
// answers with JSON on standard output. It uses note.Open, CheckRecord and CheckTree on explicit proofs, and never
// TileHashReader, which before x/mod 0.40.0 accepted tampered tiles (CVE-2026-56865).
package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	VKey    string
	Notes   []string
	Records []record
	Trees   []tree
	Entries [][]byte
	Indices []int64
	Olds    []int64
	Name    string
	Text    string
}

type record struct {
	Index, Size int64
	Root, Entry []byte
	Proof       [][]byte
}

type tree struct {
	Old, New         int64
	OldRoot, NewRoot []byte
	Proof            [][]byte
}

type answer struct {
	Notes       []string // "" for a note that holds, otherwise why not
	Texts       []string
	Records     []string
	Trees       []string
	Root        []byte
	Inclusion   [][][]byte
	Consistency [][][]byte
	VKey        string
	Note        string
}

func main() {
	var q question
	must(json.NewDecoder(os.Stdin).Decode(&q))
	var a answer
	for _, text := range q.Notes {
		verifier, err := note.NewVerifier(q.VKey)
		must(err)
		opened, err := note.Open([]byte(text), note.VerifierList(verifier))
		a.Notes = append(a.Notes, words(err))
		if err == nil {
			a.Texts = append(a.Texts, opened.Text)
		} else {
			a.Texts = append(a.Texts, "")
		}
	}
	for _, r := range q.Records {
		leaf := tlog.RecordHash(r.Entry)
		a.Records = append(a.Records, words(tlog.CheckRecord(hashes(r.Proof), r.Size, hash(r.Root), r.Index, leaf)))
	}
	for _, t := range q.Trees {
		err := tlog.CheckTree(hashes(t.Proof), t.New, hash(t.NewRoot), t.Old, hash(t.OldRoot))
		a.Trees = append(a.Trees, words(err))
	}
	prove(&q, &a)
	if q.Name != "" {
		private, public, err := note.GenerateKey(rand.Reader, q.Name)
		must(err)
		signer, err := note.NewSigner(private)
		must(err)
		signed, err := note.Sign(&note.Note{Text: q.Text}, signer)
		must(err)
		a.VKey, a.Note = public, string(signed)
	}
	must(json.NewEncoder(os.Stdout).Encode(a))
}

// prove builds the tree from the entries in x/mod's own way and gives its root and proofs.
func prove(q *question, a *answer) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, index := range indexes {
			found = append(found, stored[index])
		}
		return found, nil
	})
	for index, entry := range q.Entries {
		added, err := tlog.StoredHashes(int64(index), entry, reader)
		must(err)
		stored = append(stored, added...)
	}
	size := int64(len(q.Entries))
	if size == 0 {
		return
	}
	root, err := tlog.TreeHash(size, reader)
	must(err)
	a.Root = root[:]
	for _, index := range q.Indices {
		proof, err := tlog.ProveRecord(size, index, reader)
		must(err)
		a.Inclusion = append(a.Inclusion, plain(proof))
	}
	for _, old := range q.Olds {
		proof, err := tlog.ProveTree(size, old, reader)
		must(err)
		a.Consistency = append(a.Consistency, plain(proof))
	}
}

func hash(data []byte) (h tlog.Hash) {
	copy(h[:], data)
	return h
}

func hashes(proof [][]byte) (list []tlog.Hash) {
	for _, step := range proof {
		list = append(list, hash(step))
	}
	return list
}

func plain(proof []tlog.Hash) [][]byte {
	list := [][]byte{}
	for _, step := range proof {
		list = append(list, append([]byte{}, step[:]...))
	}
	return list
}

func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}
