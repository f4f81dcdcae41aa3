// Times cloudflare/circl's threshold RSA (tss/rsa) on the key in PEM on standard input; prints JSON.
//
// Usage: circl PLAYERS THRESHOLD MESSAGES BYTES < key.pem
//
// Each figure is seconds a call: [CPU of the whole process, wall]. Hashing and padding the message are part of signing
// and of combining, as they are part of what any user of the package has to do. Every signature is verified by
// crypto/rsa, outside of what is timed.
package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	tss "github.com/cloudflare/circl/tss/rsa"
)

const deals = 20

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var numbers [4]int
	if len(os.Args) != len(numbers)+1 {
		return fmt.Errorf("usage: %s PLAYERS THRESHOLD MESSAGES BYTES < key.pem", os.Args[0])
	}
	for i := range numbers {
		number, err := strconv.Atoi(os.Args[i+1])
		if err != nil {
			return err
		}
		numbers[i] = number
	}
	players, threshold, messages := uint(numbers[0]), uint(numbers[1]), numbers[2]
	key, err := readKey()
	if err != nil {
		return err
	}
	texts := make([][]byte, messages)
	for i := range texts {
		texts[i] = make([]byte, numbers[3])
		if _, err := rand.Read(texts[i]); err != nil {
			return err
		}
	}

	spent := map[string][2]float64{}
	var shares []tss.KeyShare
	spent["deal"], err = timed(deals, func(int) (err error) {
		shares, err = tss.Deal(rand.Reader, players, threshold, key, true)
		return err
	})
	if err != nil {
		return err
	}

	answers := make([][]tss.SignShare, messages)
	sign := func(share *tss.KeyShare, random io.Reader, parallel bool) func(int) error {
		return func(i int) error {
			padded, err := padded(key, texts[i])
			if err != nil {
				return err
			}
			answer, err := share.Sign(random, &key.PublicKey, padded, parallel)
			answers[i] = append(answers[i], answer)
			return err
		}
	}
	ways := []struct {
		name     string
		random   io.Reader
		parallel bool
	}{
		{"sign", nil, false},
		{"sign blinded", rand.Reader, false},
		{"sign blinded in parallel", rand.Reader, true},
	}
	for i, way := range ways { // three holders, each in another way: what they answer is the same kind of value
		if spent[way.name], err = timed(messages, sign(&shares[i], way.random, way.parallel)); err != nil {
			return err
		}
	}
	for i := uint(len(ways)); i < threshold; i++ {
		for j := range texts {
			if err := sign(&shares[i], nil, false)(j); err != nil {
				return err
			}
		}
	}

	signatures := make([]tss.Signature, messages)
	spent["combine"], err = timed(messages, func(i int) error {
		padded, err := padded(key, texts[i])
		if err != nil {
			return err
		}
		signatures[i], err = tss.CombineSignShares(&key.PublicKey, players, threshold, answers[i][:threshold], padded)
		return err
	})
	if err != nil {
		return err
	}
	for i, text := range texts {
		digest := sha256.Sum256(text)
		if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signatures[i]); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(spent)
}

func readKey() (*rsa.PrivateKey, error) {
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("no PEM on standard input")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("not an RSA key on standard input")
	}
	return key, nil
}

func padded(key *rsa.PrivateKey, text []byte) ([]byte, error) {
	return tss.PadHash(tss.PKCS1v15Padder{}, crypto.SHA256, &key.PublicKey, text)
}

// timed calls a function with 0, 1, ... and gives CPU and wall seconds of one call.
func timed(calls int, function func(int) error) ([2]float64, error) {
	cpu, wall := cpuNow(), time.Now()
	for i := range calls {
		if err := function(i); err != nil {
			return [2]float64{}, err
		}
	}
	return [2]float64{(cpuNow() - cpu) / float64(calls), time.Since(wall).Seconds() / float64(calls)}, nil
}

func cpuNow() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}
