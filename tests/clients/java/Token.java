// A Java program that uses a token through SunPKCS11, for the tests in tests/clients/java.rs. What the token makes is
// judged by Java's own providers, which know nothing of it, and signatures are written for openssl to judge as well.
//
// java Token CONFIGURATION PIN CHECK...

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.*;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.*;
import java.util.*;
import java.util.concurrent.*;
import javax.crypto.*;
import javax.crypto.spec.*;

public class Token {
    static final byte[] DOCUMENT = "All that is in this document is that it is one.\n".getBytes();
    static Provider token;
    static KeyStore store;
    static char[] pin;

    interface Check {
        void run() throws Exception;
    }

    static final Map<String, Check> CHECKS = new LinkedHashMap<>();

    public static void main(String[] words) throws Exception {
        token = Security.getProvider("SunPKCS11").configure(words[0]);
        Security.addProvider(token);
        store = KeyStore.getInstance("PKCS11", token);
        pin = words[1].toCharArray();
        store.load(null, pin);
        CHECKS.put("signatures", Token::signatures);
        CHECKS.put("rsa-ciphers", Token::rsaCiphers);
        CHECKS.put("secret-ciphers", Token::secretCiphers);
        CHECKS.put("agreement", Token::agreement);
        CHECKS.put("macs", Token::macs);
        CHECKS.put("digests", Token::digests);
        CHECKS.put("generation", Token::generation);
        CHECKS.put("key-store", Token::keyStore);
        CHECKS.put("kept", Token::kept);
        CHECKS.put("threads", Token::threads);
        CHECKS.put("removal", Token::removal);
        for (String name : Arrays.asList(words).subList(2, words.length)) {
            CHECKS.get(name).run();
            System.out.println("passed: " + name);
        }
    }

    static void same(String what, byte[] expected, byte[] found) {
        if (!Arrays.equals(expected, found)) {
            throw new AssertionError(what + ": expected " + HexFormat.of().formatHex(expected) + ", found "
                + HexFormat.of().formatHex(found));
        }
    }

    static void holds(String what, boolean so) {
        if (!so) throw new AssertionError(what);
    }

    static KeyPair pair(String algorithm, AlgorithmParameterSpec of) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm, token);
        generator.initialize(of);
        return generator.generateKeyPair();
    }

    static KeyPair rsa() throws Exception {
        return pair("RSA", new RSAKeyGenParameterSpec(2048, RSAKeyGenParameterSpec.F4));
    }

    static KeyPair ec(String curve) throws Exception {
        return pair("EC", new ECGenParameterSpec(curve));
    }

    // The public key as another provider sees it.
    static PublicKey outside(PublicKey key) throws Exception {
        String provider = key.getAlgorithm().equals("RSA") ? "SunRsaSign" : "SunEC";
        return KeyFactory.getInstance(key.getAlgorithm(), provider)
            .generatePublic(new X509EncodedKeySpec(key.getEncoded()));
    }

    static byte[] sign(KeyPair pair, String algorithm, AlgorithmParameterSpec of) throws Exception {
        Signature signature = Signature.getInstance(algorithm, token);
        if (of != null) signature.setParameter(of);
        signature.initSign(pair.getPrivate());
        signature.update(DOCUMENT, 0, 7);
        signature.update(DOCUMENT, 7, DOCUMENT.length - 7);
        return signature.sign();
    }

    static boolean verifies(Provider by, PublicKey key, String algorithm, AlgorithmParameterSpec of, byte[] signature)
            throws Exception {
        Signature verifier = Signature.getInstance(algorithm, by);
        if (of != null) verifier.setParameter(of);
        verifier.initVerify(key);
        verifier.update(DOCUMENT);
        return verifier.verify(signature);
    }

    static void judge(KeyPair pair, String algorithm, AlgorithmParameterSpec of, String file) throws Exception {
        byte[] signature = sign(pair, algorithm, of);
        PublicKey outside = outside(pair.getPublic());
        Provider own = Security.getProvider(pair.getPublic().getAlgorithm().equals("RSA") ? "SunRsaSign" : "SunEC");
        holds(algorithm + " verified outside", verifies(own, outside, algorithm, of, signature));
        holds(algorithm + " verified by the token", verifies(token, pair.getPublic(), algorithm, of, signature));
        signature[signature.length - 1] ^= 1;
        holds(algorithm + " forged", !verifies(token, pair.getPublic(), algorithm, of, signature));
        signature[signature.length - 1] ^= 1;
        if (file != null) {
            Files.write(Path.of(file + ".sig"), signature);
            Files.write(Path.of(file + ".pub"), pair.getPublic().getEncoded());
        }
    }

    static void signatures() throws Exception {
        KeyPair rsa = rsa();
        for (String hash : List.of("SHA1", "SHA224", "SHA256", "SHA384", "SHA512")) {
            judge(rsa, hash + "withRSA", null, hash.equals("SHA256") ? "rsa" : null);
        }
        for (int bits : new int[] {256, 384, 512}) {
            String hash = "SHA-" + bits;
            PSSParameterSpec pss = new PSSParameterSpec(hash, "MGF1", new MGF1ParameterSpec(hash), bits / 8, 1);
            judge(rsa, "RSASSA-PSS", pss, bits == 256 ? "pss" : null);
        }
        for (String curve : List.of("secp256r1", "secp384r1", "secp521r1")) {
            KeyPair ec = ec(curve);
            for (String hash : List.of("SHA1", "SHA224", "SHA256", "SHA384", "SHA512")) {
                judge(ec, hash + "withECDSA", null, hash.equals("SHA256") ? curve : null);
            }
            judge(ec, "SHA256withECDSAinP1363Format", null, null);
        }
    }

    static void rsaCiphers() throws Exception {
        KeyPair pair = rsa();
        Cipher outside = Cipher.getInstance("RSA/ECB/PKCS1Padding", "SunJCE");
        outside.init(Cipher.ENCRYPT_MODE, outside(pair.getPublic()));
        Cipher inside = Cipher.getInstance("RSA/ECB/PKCS1Padding", token);
        inside.init(Cipher.DECRYPT_MODE, pair.getPrivate());
        same("decrypted", DOCUMENT, inside.doFinal(outside.doFinal(DOCUMENT)));
        Cipher wrap = Cipher.getInstance("RSA/ECB/PKCS1Padding", token);
        SecretKey key = new SecretKeySpec(new byte[16], "AES");
        wrap.init(Cipher.WRAP_MODE, pair.getPublic());
        byte[] wrapped = wrap.wrap(key);
        wrap.init(Cipher.UNWRAP_MODE, pair.getPrivate());
        same("unwrapped", key.getEncoded(), wrap.unwrap(wrapped, "AES", Cipher.SECRET_KEY).getEncoded());
    }

    static SecretKey inside(byte[] value, String algorithm) throws Exception {
        return SecretKeyFactory.getInstance(algorithm, token).translateKey(new SecretKeySpec(value, algorithm));
    }

    static byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) bytes[i] = (byte) (i * 7 + length);
        return bytes;
    }

    static AlgorithmParameterSpec parameters(String form) {
        if (form.contains("/ECB/")) return null;
        if (form.contains("/GCM/")) return new GCMParameterSpec(128, bytes(12));
        return new IvParameterSpec(bytes(16));
    }

    static byte[] crypt(Provider by, String form, int mode, Key key, byte[] input) throws Exception {
        Cipher cipher = Cipher.getInstance(form, by);
        cipher.init(mode, key, parameters(form));
        if (form.contains("/GCM/")) {
            // The input at once: SunPKCS11 17 forgets what follows a first update.
            cipher.updateAAD(bytes(21));
            return cipher.doFinal(input);
        }
        byte[] first = cipher.update(input, 0, input.length / 3);
        byte[] last = cipher.doFinal(input, input.length / 3, input.length - input.length / 3);
        if (first == null) return last;
        byte[] all = Arrays.copyOf(first, first.length + last.length);
        System.arraycopy(last, 0, all, first.length, last.length);
        return all;
    }

    static void secretCiphers() throws Exception {
        Provider outside = Security.getProvider("SunJCE");
        for (int bits : new int[] {128, 192, 256}) {
            byte[] value = bytes(bits / 8);
            SecretKey inside = inside(value, "AES");
            for (String form : List.of("AES/ECB/NoPadding", "AES/CBC/NoPadding", "AES/CBC/PKCS5Padding",
                    "AES/ECB/PKCS5Padding", "AES/CTR/NoPadding", "AES/GCM/NoPadding")) {
                for (int length : new int[] {16, 48, 4096, 100000}) {
                    if (!form.contains("NoPadding") || form.contains("CTR") || form.contains("GCM")) length += 5;
                    else length -= length % 16;
                    byte[] plain = bytes(length);
                    byte[] expected = crypt(outside, form, Cipher.ENCRYPT_MODE, new SecretKeySpec(value, "AES"), plain);
                    same(form, expected, crypt(token, form, Cipher.ENCRYPT_MODE, inside, plain));
                    same(form, plain, crypt(token, form, Cipher.DECRYPT_MODE, inside, expected));
                }
            }
            byte[] forged = crypt(outside, "AES/GCM/NoPadding", Cipher.ENCRYPT_MODE, new SecretKeySpec(value, "AES"),
                DOCUMENT);
            forged[3] ^= 1;
            try {
                crypt(token, "AES/GCM/NoPadding", Cipher.DECRYPT_MODE, inside, forged);
                throw new AssertionError("a forged GCM message was decrypted");
            } catch (AEADBadTagException refused) {
                // As it must be.
            }
        }
    }

    static void agreement() throws Exception {
        for (String curve : List.of("secp256r1", "secp384r1", "secp521r1")) {
            KeyPair inside = ec(curve);
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", "SunEC");
            generator.initialize(new ECGenParameterSpec(curve));
            KeyPair outside = generator.generateKeyPair();
            KeyAgreement theirs = KeyAgreement.getInstance("ECDH", "SunEC");
            theirs.init(outside.getPrivate());
            theirs.doPhase(outside(inside.getPublic()), true);
            KeyAgreement ours = KeyAgreement.getInstance("ECDH", token);
            ours.init(inside.getPrivate());
            ours.doPhase(outside.getPublic(), true);
            same("ECDH " + curve, theirs.generateSecret(), ours.generateSecret());
            ours.init(inside.getPrivate());
            ours.doPhase(outside.getPublic(), true);
            holds("a TLS premaster secret", ours.generateSecret("TlsPremasterSecret") != null);
        }
    }

    static void macs() throws Exception {
        for (String mac : List.of("HmacMD5", "HmacSHA1", "HmacSHA224", "HmacSHA256", "HmacSHA384", "HmacSHA512",
                "HmacSHA512/224", "HmacSHA512/256", "HmacSHA3-256")) {
            if (token.getService("Mac", mac) == null) {
                System.out.println("no " + mac);
                continue;
            }
            byte[] value = bytes(40);
            Mac outside = Mac.getInstance(mac, "SunJCE");
            outside.init(new SecretKeySpec(value, mac));
            byte[] expected = outside.doFinal(DOCUMENT);
            Mac inside = Mac.getInstance(mac, token);
            inside.init(new SecretKeySpec(value, mac));
            inside.update(DOCUMENT, 0, 5);
            inside.update(DOCUMENT, 5, DOCUMENT.length - 5);
            same(mac, expected, inside.doFinal());
            same(mac + " again", expected, inside.doFinal(DOCUMENT));
        }
    }

    static void digests() throws Exception {
        for (String hash : List.of("MD5", "SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512", "SHA-512/256",
                "SHA3-256", "SHA3-512")) {
            if (token.getService("MessageDigest", hash) == null) {
                System.out.println("no " + hash);
                continue;
            }
            MessageDigest inside = MessageDigest.getInstance(hash, token);
            byte[] big = bytes(100000);
            inside.update(big, 0, 99);
            inside.update(big, 99, big.length - 99);
            same(hash, MessageDigest.getInstance(hash, "SUN").digest(big), inside.digest());
        }
    }

    static void generation() throws Exception {
        KeyGenerator generator = KeyGenerator.getInstance("AES", token);
        generator.init(256);
        SecretKey key = generator.generateKey();
        byte[] encrypted = crypt(token, "AES/CBC/PKCS5Padding", Cipher.ENCRYPT_MODE, key, DOCUMENT);
        same("a generated key", DOCUMENT, crypt(token, "AES/CBC/PKCS5Padding", Cipher.DECRYPT_MODE, key, encrypted));
        SecureRandom random = SecureRandom.getInstance("PKCS11", token);
        byte[] some = new byte[64];
        random.nextBytes(some);
        random.setSeed(some);
        holds("random bytes", !Arrays.equals(some, new byte[64]));
    }

    // The chain in NAME.chain.pem.
    static Certificate[] chain(String name) throws Exception {
        try (InputStream file = Files.newInputStream(Path.of(name + ".chain.pem"))) {
            return CertificateFactory.getInstance("X.509").generateCertificates(file).toArray(new Certificate[0]);
        }
    }

    // The key in NAME.key.der, outside.
    static PrivateKey key(String name, String algorithm) throws Exception {
        byte[] file = Files.readAllBytes(Path.of(name + ".key.der"));
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(file));
    }

    static final String[][] IMPORTED = {{"import-rsa", "RSA"}, {"import-ec", "EC"}};

    static void keyStore() throws Exception {
        for (String[] one : IMPORTED) {
            store.setKeyEntry(one[0], key(one[0], one[1]), null, chain(one[0]));
        }
        store.setEntry("secret", new KeyStore.SecretKeyEntry(new SecretKeySpec(bytes(32), "AES")), null);
        store.setKeyEntry("passing", key("passing", "EC"), null, chain("passing"));
        holds("aliases", Collections.list(store.aliases()).contains("passing"));
        store.deleteEntry("passing");
        holds("a deleted alias", !store.containsAlias("passing"));
        holds("the other entry", store.isKeyEntry("import-ec"));
    }

    // In another process than keyStore.
    static void kept() throws Exception {
        Set<String> aliases = new TreeSet<>(Collections.list(store.aliases()));
        holds("aliases: " + aliases, aliases.containsAll(List.of("import-rsa", "import-ec", "secret")));
        for (String[] one : IMPORTED) {
            Certificate[] chain = store.getCertificateChain(one[0]);
            holds("chain of " + one[0], Arrays.equals(chain(one[0]), chain));
            PrivateKey key = (PrivateKey) store.getKey(one[0], null);
            holds(one[0] + " stays inside", key.getEncoded() == null);
            judge(new KeyPair(chain[0].getPublicKey(), key), "SHA256with" + (one[1].equals("EC") ? "ECDSA" : "RSA"),
                null, one[0]);
        }
        SecretKey secret = (SecretKey) store.getKey("secret", null);
        Provider outside = Security.getProvider("SunJCE");
        byte[] expected = crypt(outside, "AES/CTR/NoPadding", Cipher.ENCRYPT_MODE, new SecretKeySpec(bytes(32), "AES"),
            DOCUMENT);
        same("the secret key", expected, crypt(token, "AES/CTR/NoPadding", Cipher.ENCRYPT_MODE, secret, DOCUMENT));
    }

    static void threads() throws Exception {
        KeyPair rsa = rsa();
        KeyPair ec = ec("secp256r1");
        SecretKey aes = inside(bytes(16), "AES");
        byte[] encrypted = crypt(token, "AES/GCM/NoPadding", Cipher.ENCRYPT_MODE, aes, DOCUMENT);
        PublicKey rsaOutside = outside(rsa.getPublic());
        PublicKey ecOutside = outside(ec.getPublic());
        Provider sunRsa = Security.getProvider("SunRsaSign");
        Provider sunEc = Security.getProvider("SunEC");
        ExecutorService threads = Executors.newFixedThreadPool(16);
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            all.add(threads.submit(() -> {
                for (int turn = 0; turn < 20; turn++) {
                    byte[] one = sign(rsa, "SHA256withRSA", null);
                    holds("RSA in threads", verifies(sunRsa, rsaOutside, "SHA256withRSA", null, one));
                    byte[] two = sign(ec, "SHA256withECDSA", null);
                    holds("ECDSA in threads", verifies(sunEc, ecOutside, "SHA256withECDSA", null, two));
                    same("GCM in threads", DOCUMENT,
                        crypt(token, "AES/GCM/NoPadding", Cipher.DECRYPT_MODE, aes, encrypted));
                    ec("secp256r1");
                }
                return null;
            }));
        }
        threads.shutdown();
        for (Future<?> one : all) one.get();
    }

    // The token is deleted while a key of it is in use, and made anew.
    static void removal() throws Exception {
        store.setEntry("secret", new KeyStore.SecretKeyEntry(new SecretKeySpec(bytes(32), "AES")), null);
        SecretKey key = (SecretKey) store.getKey("secret", null);
        crypt(token, "AES/CTR/NoPadding", Cipher.ENCRYPT_MODE, key, DOCUMENT);
        System.out.println("ready");
        await("removed");
        // What another process does to a token is seen within a twentieth of a second.
        try {
            for (int turn = 0; turn < 500; turn++) {
                crypt(token, "AES/CTR/NoPadding", Cipher.ENCRYPT_MODE, key, DOCUMENT);
                Thread.sleep(10);
            }
            throw new AssertionError("a key that is gone encrypts");
        } catch (ProviderException | GeneralSecurityException expected) {
            System.out.println("refused: " + expected);
        }
        System.out.println("gone");
        await("again.cfg");
        // Another token, in another slot, as long as this program has sessions with the one that is gone.
        token = Security.getProvider("SunPKCS11").configure("again.cfg");
        store = KeyStore.getInstance("PKCS11", token);
        store.load(null, pin);
        holds("a new token is empty", !store.aliases().hasMoreElements());
        sign(ec("secp256r1"), "SHA256withECDSA", null);
    }

    static void await(String file) throws Exception {
        while (!Files.exists(Path.of(file))) Thread.sleep(10);
    }
}
