package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// additive is a stand-in for your own protocol: n-of-n key generation on secp256k1. Each party keeps a secret number,
// and the key is the sum of their points. It shows broadcasts, direct messages and an agreed result, and is not for
// use: no backup of shares, no proofs of possession, no signing.
//
// Round 1 commits to the points, so that nobody can choose theirs after seeing the others' (a rogue key); round 2 opens;
// round 3 compares what everybody saw.
type additive struct {
	secret *secp256k1.PrivateKey
}

const (
	saltBytes  = 32
	pointBytes = secp256k1.PubKeyBytesLenCompressed
)

func (a *additive) run(ctx context.Context, r *rounds) ([]byte, error) {
	secret, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		return nil, err
	}
	a.secret = secret
	salt := make([]byte, saltBytes)
	rand.Read(salt) // Never fails (crypto/rand).
	opening := append(salt, secret.PubKey().SerializeCompressed()...)

	if err := r.broadcast(ctx, 1, commitment(r.sessionID, r.self, opening)); err != nil {
		return nil, err
	}
	commitments, err := r.receive(1)
	if err != nil {
		return nil, err
	}
	if err := r.broadcast(ctx, 2, opening); err != nil {
		return nil, err
	}
	openings, err := r.receive(2)
	if err != nil {
		return nil, err
	}
	openings[r.self] = opening
	for _, party := range r.others {
		if !bytes.Equal(commitment(r.sessionID, party, openings[party]), commitments[party]) {
			return nil, fmt.Errorf("%s did not open its commitment", party)
		}
	}
	if err := compareViews(ctx, r, openings); err != nil {
		return nil, err
	}
	return sum(r.all, openings)
}

func commitment(sessionID, party string, opening []byte) []byte {
	hash := sha256.New()
	fmt.Fprintf(hash, "example/additive/commitment %d:%s %d:%s ", len(sessionID), sessionID, len(party), party)
	hash.Write(opening)
	return hash.Sum(nil)
}

// compareViews makes sure that nobody told different parties different things.
func compareViews(ctx context.Context, r *rounds, openings map[string][]byte) error {
	hash := sha256.New()
	fmt.Fprintf(hash, "example/additive/view %d:%s ", len(r.sessionID), r.sessionID)
	for _, party := range r.all {
		hash.Write(openings[party])
	}
	view := hash.Sum(nil)
	for _, party := range r.others {
		if err := r.direct(ctx, 3, party, view); err != nil {
			return err
		}
	}
	views, err := r.receive(3)
	if err != nil {
		return err
	}
	for party, other := range views {
		if !bytes.Equal(other, view) {
			return fmt.Errorf("%s saw other openings", party)
		}
	}
	return nil
}

// sum adds the points; the result is an uncompressed public key.
func sum(parties []string, openings map[string][]byte) ([]byte, error) {
	var total secp256k1.JacobianPoint
	for _, party := range parties {
		opening := openings[party]
		if len(opening) != saltBytes+pointBytes {
			return nil, fmt.Errorf("%s sent an opening of %d bytes", party, len(opening))
		}
		key, err := secp256k1.ParsePubKey(opening[saltBytes:])
		if err != nil {
			return nil, fmt.Errorf("%s sent no point: %w", party, err)
		}
		var point secp256k1.JacobianPoint
		key.AsJacobian(&point)
		secp256k1.AddNonConst(&total, &point, &total)
	}
	if total.Z.IsZero() {
		return nil, errors.New("the points add up to nothing")
	}
	total.ToAffine()
	return secp256k1.NewPublicKey(&total.X, &total.Y).SerializeUncompressed(), nil
}
