usaeViz.add({
 "concept": 0,
 "grid": 12,
 "backbones": [
  {
   "name": "vit",
   "top": 5.045456886291504,
   "examples": [
    {
     "image": "99242cc3b73bf664de23026faacc4d6e02d9daf1df94d2d5032180742b4d78a6",
     "peak": 5.000986576080322,
     "values": "dKW0t7e2tLKzsaWIn87c5eTn5Ofo5tK0ntHj7O7v8vb29t69mczX2N3i7Pf//OTCiZ6gn5CgxOn699+8fGZXWQAAeNnq9N27dGJIAAAAZsfh8Nu7d3lubVt5rdrs8Nq8jbjC1tDW3OTx8du7mMvW4ePi5/Hv8N67k8HL2NbU1dbX2casgaurs7CvsLO0t6ud"
    },
    {
     "image": "4860e8fc7b6e8ee022069ac6400bffda20eddd386af61db5b73d55a9a91f7bdb",
     "peak": 4.670015335083008,
     "values": "jMbO0c7LzcvLysGtrNnr8e/u7u7w8N/LrN/0+vn7+Pz59+LRq+D1+/79/P3+/+jTqtzy+vr4+Pv7++TRptvx+ff29vTz8NzOqdzw9PT17urk3dG/qNrw8fLw5M6hiZGhpdnt8e3cwJgAAABZpdrt7+nLZgAAAAAAoMvX28yxWgAAAAAAkK60ua2mhGJdAACR"
    },
    {
     "image": "ee7e86fc321eb3313f96246af04a1bcd6e1df03c00ba9d1ff3bdd32ba2461b09",
     "peak": 4.895840644836426,
     "values": "hbzFx8fHyMjIx76srNjp7+/v7u/w7N7Jqt/z+vr5+/z8+eXUquL4/fv8/P7//OrVp9/y9PLx7vX7+eXSpdvl5dzQ3vD29+PRo9XazZdumrvk8+LPotDGgQAAAF3I49zNosahTgAAAEqx4NvMoceqTgAAAEyW2dbLmLOoUAAAAE6Kx8S9i6GkZ0MAQG+mrqqs"
    },
    {
     "image": "f1582bf3cd05977fdcce3d0e0119f4f390b3b4d9013444fcb91f7b37ace20bcf",
     "peak": 4.902435302734375,
     "values": "fLLAw7u3saKnpqCOpNbl6NvDraGWjamrqOD2+N2cRloAAIWoqOT28cZQAAAAAGilpN/x564AAAAAc6CtpN/u3aAAAABYvr24ot3s5MiQdniW0trAo97w8+ng3ufq9ufCo97x+vjz8PT6/+fDotrt+Pv6+/3+/ujDmMXS3Nze3d7g4s6yhK2utrW2tra3ua2g"
    },
    {
     "image": "b1376e54db56ed97e6231ca47ef6e8b3945890fcf66d4efe3410468ca48bcc77",
     "peak": 4.907858848571777,
     "values": "erTBxcLAwMLCv7SgpNfl6+nq7Ozr6drBpdzy+Pf5+Pj7+ObQo9nv8/f7+/7//evRlcLR2eXr9/r8+ufPfJuRmsPe8/j49+XNZU0AAEep4fT29uPLRQAAAABy2+v09OLLPAAAAABWz+jy8uHLVwAAAABu1OXv8eDIbUwAAACiyNXb3M2+dJKGfoiqrba5urOq"
    },
    {
     "image": "5312be1f70715ddd799cfad112646a3dbfd4f9c5fdc23e022a592da5ad57eb33",
     "peak": 5.030697822570801,
     "values": "g7Szw8rOz9DQ0Me1mqCDvt7s7+7v7uDMYEFDccnw+/v8++bWAAAAAJ3p9v7//erWSwAAAJvj7/n6+ejTUwAAacrn7vL39uTRb3uBitTc5uft8uPRqdTd4t/Ut7zc7uHOptHh4NGKS06S0d7Nr9zq4bdYAABEtM3Ips3WypNNAAAAtLy9lbCzrJhjAABNoaqt"
    },
    {
     "image": "0d866b475291fb18688dbbe26fff9d129fb38f318b23d8b748216ea4e2bd0e45",
     "peak": 4.659142971038818,
     "values": "gbnDxMXFxsXGxrynq9np8fDx8vLz8d3Bqt/0+/n9/Pz7++PQquX6//77+vf6/ejSqN/y9/Pn3dTk8uXNp93v8dzBnXGp3drJpd3u5rRdAAByyc3Gpdzt2J9HAABewszGptzs2LcAAAAAtcfApN3r0qAAAGeYx86/ncrTwY0AU4S1ycOyi6ywq6GQepWlsKqm"
    },
    {
     "image": "731c44c7bf728deb22d9b8d7d2e76de63241ba38c6426841bf2e1888befd941b",
     "peak": 4.85860013961792,
     "values": "UT8AAFOHoainqqCFUwAAAACq3uzt7N+/AAAAAACo5PP29+TKAAAAAACR5fb//uvMAAAAAACj5fP8++jJhnkAPXDT6/b8+ufGlsjLzdrp8vX5+ujGqtfk7Or2+vr7+ubGsuf0+fj9+fv7++bEs+b2+/r5+vj6+uTCqtPf4uHi4uLk5dS3ka62uLa3tri4ua+g"
    },
    {
     "image": "ea570dfe11cfda7a9910c7b0ad44847790e3896f83776e0c37be134958ce3b13",
     "peak": 4.648794174194336,
     "values": "cLLDxcTFxcXGxrupmtXj6enq6uvr6di/m9ry+vn6+vv6+eXNm9z2+/z8/P7//+jPm9nw8/Pz9fj5+uTMmNPl5uLf6O729+PLlczXxLC/z9/p8eDKksXHdgB2c6PP6d/IkcbAYQAAAACJ09XHk8G2X1YAAABIusbAjrO5nYxkAAB4u7qyfqWko5qZkYqapaej"
    }
   ]
  },
  {
   "name": "dla",
   "top": 4.879874229431152,
   "examples": [
    {
     "image": "181a6ccc0f00574650f14f6075ca00b12229be1f8286601ac5748f146820d3b6",
     "peak": 4.879874229431152,
     "values": "o6KggUY/bJOyvbOtpqSgf0MAYIiywrawrqmhfDwAR3Szyry1s7CohEIAAG220sG5t7e3llMAAHK92cW6vMDItIRwd5fP4Mi8wsrZ3NTR1N3r5sy+xc7i8Pr///z25su+xM7i7/b59/Tv4Me7tsDV4eXl4+Hd0bqunKa6xcbGw8LBt6KYjpitt7e2tLOzqpeN"
    },
    {
     "image": "865de03b98ae616e34533b03e18604e5815495d83e6b0ec6f19e3d76d163d84d",
     "peak": 4.38755464553833,
     "values": "mqnG1dfX1dTTybeuqLbS4eHh4N/e1MK5xNHr9/b19PT069nQ09/3//f1+fr48OLb1OD3+OPf7fDq493a2NTMvaalu8bGy9PX37x1AAAAYnqOp8TS4rxuAAAAAFp3mb3P4dS5pJaBZWWDob/O09bZ1civi4SZrb7HucHQ1dDHuLS6vLu6rLbL1dTSz8zLxLmz"
    },
    {
     "image": "0d866b475291fb18688dbbe26fff9d129fb38f318b23d8b748216ea4e2bd0e45",
     "peak": 4.404558181762695,
     "values": "sLzU4uTm5ubl28e9tcHb6evt7u7s4cvAv83n9/r8/f377dLFxdPu/f/78O707NXKx9Xw/fvpxsHZ4NTOydfy89y8ko+0yMzOzNnz4aN0AACFpr7Lzdv23ZFbAAB1nLnHzdv556ZxAACEqbvFv83p2Zx0AGyZsrm8pLDHs3RkhZ6yuLGul6G2oGBdl7i/u66n"
    },
    {
     "image": "ea570dfe11cfda7a9910c7b0ad44847790e3896f83776e0c37be134958ce3b13",
     "peak": 4.65725564956665,
     "values": "jZ29ztHS09LRxa6jk6TH2dvc3Nzbz7itn7Pa7e7v8O/u4s3CqLzm+vr6+vn26tXLrMHr//37+vj06NLHrr7f6t/g6/L06tLGrbPAuqGnzOf28dfKraqlkW5riajK1s7Jr6SObwAAAABumbbFqZ6IawAAAABZhqi5nJmRhXNlWmaInaKllpaWkomCf4igqJ+b"
    },
    {
     "image": "a6c62c39ba3b3ab615ab81789752b9678cae9c81e0bd9d036470cf6cdb4964ce",
     "peak": 4.459414958953857,
     "values": "usTY4d3d4ePk2cS5t7i6wczY4+rr4s7FsaB/gqvN6Pf58+PcoolVAHyo1/P8+u3minEAAABqsN7z+Ovkf2QAAABTo9jx9unigmIAAABkseHz9efglX8AAACSzO749ebet7m/xs7d9P//9uXcusnn9fX2+fjz6djQoK7L2tzd3drVzL+5kqC9zdDQz8vGvrOu"
    },
    {
     "image": "ee7e86fc321eb3313f96246af04a1bcd6e1df03c00ba9d1ff3bdd32ba2461b09",
     "peak": 4.653792381286621,
     "values": "rbfK1djY19fZ0cC4sbvQ297f3t7f1cG4ucTb6Ozt7Ovr3sS3v8zl8/f49fPy5Mi6w9Ht/P/++/f05s3Aws3j6+Xh3uLs5c7Du7/Iwamen7PZ4c3CuravmHFneZjC0sfBv7KXcAAAa4+ot73AtaWEXQAAAH6So6+1nJB4YAAAAGOClZ2hkIZxYQAAAFV5jpSX"
    },
    {
     "image": "4860e8fc7b6e8ee022069ac6400bffda20eddd386af61db5b73d55a9a91f7bdb",
     "peak": 4.34381103515625,
     "values": "usPV3t3d3uDi2MC1u8ba5eXm5+jp3sW4v8vk8vb4+Pj36c7AxdHq+f3///797tLFzNft+fr7+vn57NPGzdju+fr6+vfx5dPKydXt+vz9//bl2dTRx9Ps+fr05cqikpqdxtLs9/Tcr3MAAAAAucbf6ufIiwAAAAAAoq7G0tS2egAAAAAAlqK5xsqucgAAAABS"
    },
    {
     "image": "99242cc3b73bf664de23026faacc4d6e02d9daf1df94d2d5032180742b4d78a6",
     "peak": 4.39306116104126,
     "values": "sb7Z5uPj5OXm3Mm/sL/c6+zs7Ovq4dDHsMDh9v3/+vbz69zVmKbCzsvQ3Ofv7eDZaXB9dAAAk77d59rUXloAAAAAdanV5NjSd2UAAAAAgqrV5dnTkoJiYH2Upb3b5drUsLO5w9La3uLm49nUtsLb6u/w7Obe1s7Joq/H1NfV0cvDvbi1maW9ysrIw721sK2r"
    },
    {
     "image": "d65b18262ad1835372d836a886f547e318cee8a4af16756dbd040d242c8e6e21",
     "peak": 4.379169464111328,
     "values": "scDf7Ojl5ebq38a5trrDx8jQ4Oru5dDGwK6Lfoim1vH28uXfxaVmAABZp9vz+vDsxaBUAAAAVKjk/PLsx6BSAAAAAKLj/vPuy6dfAAAAjcjw//Xwy7SHdHqUweL3/PLsxcbJzdLb6PL39erks8Hd7vPz7+zo4tnUlqXD1dvb1dDKxb+7iJe2yc/PyMK7trKv"
    }
   ]
  },
  {
   "name": "resnet",
   "top": 5.163402557373047,
   "examples": [
    {
     "image": "99242cc3b73bf664de23026faacc4d6e02d9daf1df94d2d5032180742b4d78a6",
     "peak": 4.938114643096924,
     "values": "kqnAws/M0czCvracnrrV0uDe4t7W1sausM3o5fn7//bx8N7DqKbGvcXe/vXt8d7DmXSIa2+a4vX1+OTGfmAAAABole3x9ODEk31nAAB4ueju8Nu/k3uMVWyV0O/u8Nu+oqzBsrjI4evu6te4oLbCuMfM3+Hk49OwnLPDvsTGy87LybaXeYaXmJubnZ6cmY17"
    },
    {
     "image": "f5e6f53a64d041848bb57bca7b980a637c2ddbcc881adce774aca307fee570a6",
     "peak": 4.567038536071777,
     "values": "mq68tr2rqLLBx8Kiq8LItKl9eKPM3M+ww9vCjIp5f4vX8+XDws62hY2RlYvK8OXCx9DDnoIAAHm57efGydzRoXx5gJLJ7+jFy+TaqYx/o8Xg9urGx+fy2dbO4+/2/u7Iv+P24+ns8/n6/e3EueL38vn7/f/59ui8qsbb2+Lk5OPf3cujiJepq66wsa+rp5yF"
    },
    {
     "image": "865de03b98ae616e34533b03e18604e5815495d83e6b0ec6f19e3d76d163d84d",
     "peak": 4.906910419464111,
     "values": "kKi2ucnMysi/vrmfpMDLzuDh4N7X2Mqrss7b5PX29vXr6de5utDd5ff7//3s7tu6xdPh2MLJ5O3b7dq8wMaid15klpqv3dO4v7V0AAAAAFaKycqyuLiiaAAAAFmPzc+zs7G6fllfZGuOxcexssLHvLOvqKS12M6wscHIw7+7sbq7yL2ik56pqa6sp6iqrJuL"
    },
    {
     "image": "0d2e034edaf3b927a8d4f186e25d0c7ac325f7750347992d70fecba0696a0957",
     "peak": 5.163402557373047,
     "values": "oaq2u8jHyMW8squHsMXT1uTl5uXg2cmWu9Hj6fr7//z27Nuku83h5fb5/Pby6dagvdHq6/X4+PX07NqmvNHr6/He1s3KvMiduM3l5eG8i5B3a5+ZtMjd39epAAAAAIeDrsPZ2sylAAAAAFNtpr7R0rB1AAAAAENQo7XGw6mHVwAAUW1afpCcnZiMawAAVXRY"
    },
    {
     "image": "1a1766898b30eb81f4481cabda6953b77f8c81c931b49e92902a2a0121ffa5c7",
     "peak": 4.594894886016846,
     "values": "rLa/u6yYaFhhkaGNw87V1saUPQAAgrGX0d/o5cqEAAAAVZCW2OLx79CdAAAAcpSW3Ob29tGgTwAAl7Gh3OX29+zgy6uiwL+v2eHz8/Ty4MzKy8621d3y9P7/7+Xf4dq70djt8Pf48vDk59m6ytnv9fr7+Pjv7Ny1wMjY3OHg397a2seknKOwsrO1srGwsJ6L"
    },
    {
     "image": "6571c191651fe440412249d175601669760bb8cfbd855e3f7bb2aafcd259ccea",
     "peak": 4.5627031326293945,
     "values": "j6q2tbq5ucC5uLCTqMTOvKucjpquw7+iu+Lpu2sAAGCVwsaxwd7oynwAAAB1vMS1yOP32rQAAACX1tHAx+T65L5sAG/D39DBw+T78eGllrHq6trCvt/49PLf1eHm8t3Dutrz+P/z9PXw9dm7tdvy9/33+Pv79dy7ob7Q09nX19zZ1bueiJmqrbKzsrWzrJiN"
    },
    {
     "image": "ea570dfe11cfda7a9910c7b0ad44847790e3896f83776e0c37be134958ce3b13",
     "peak": 4.802120208740234,
     "values": "krHBxMzO0c7JxLqTpsXX2ebn6eTc3Myps9Xq7v39//vz8N28ttPp6/n5+/jx7tq5utLu8fX1+Pr08tq4ucvg2uHm9Pv46ta0uMXSl6i7vufr38yxtL+/cVcAAG/EysSotLidWwAAAAB8w8Okq6+QXQAAAACHu8Wio6yjkYQAYH2PqqyQfYGOgn1qbHeJhIV2"
    },
    {
     "image": "fbc02616089393021bc1072393cecf3cc6479cf7596e577d83bd3f385e802cf2",
     "peak": 4.348334312438965,
     "values": "kbTGydfV19nNysSpoMDRztzSyNLS29G2u9jv6uOyo8Xh/O7QvNXiqIBtf4W48uTLyNjKa4CcmJbC++rSxNXUf3R9AHvB8+bPxtjbpYB1AITQ+eXOxePowLGId6fe/+rQvt7329u9vNLr++nLtuD17e/r6vDx9enFqsnh2t/b3N7f4M6qh5qtrbGysa+vr6GK"
    },
    {
     "image": "7a3d4fb003a24e280b745c20609ba5d77ec324a341a58ebecb655729ff36918e",
     "peak": 4.950734615325928,
     "values": "gGZ4iHyKqKqxsbKNc1JQTgBasMnR1s6dfmoAAAAAseHk6t6uiWoAAAAAf8To8N6welIAAAAAlL/p+Oa5jntmAACg1uv4++m8sL29in7B7e349+e4ssHXy8nh9/v//Oa1ts7i4uzo9vn69uCvrcjd5vHy+Pr38+KrqsDY3OLi5ejk4MuYgpissbW3t7i1sZ6C"
    }
   ]
  },
  {
   "name": "grey",
   "top": 5.500971794128418,
   "examples": [
    {
     "image": "d199ae8c0df6fc8b9437a218865e9fded81c7ccfb14dc6d9289939faaa7db3d6",
     "peak": 4.967318534851074,
     "values": "ibzJvszNyLy0saSqs9Tv6/jy6fDr9+rlxN3x6vjs6+nfxN3nwNj97uS6sLrA1+bcwOz/uYhkXU+v3t3Vx+HXWFUAAFap69rYt7+kAAAAAFap0NbhvsPacFMAAHLM0NTZrsPBomFZAKS+0s7PucrZy8+BarHV2M7Mo7rh3ePQxt3b19XQl6Te1tC919XNxr+e"
    },
    {
     "image": "a8ddcbd9e2b4893779a8719ea4cf05335d8867c090549edfeccd694afe69d2c8",
     "peak": 5.402622222900391,
     "values": "i8HT08vKxsC5t6+podfi7evy7+/g39/FueDz7/Ty8OjZyePNq+Hn6fHnwOTPztK/t+D/38KXnZm7us6wvOX10GRBP1Jws7yzwN/po1MAAABTesCst9e/eQAAAAAAjqiwqsTFZQAAAABJc7ekrsmipHJBAFBYlqmko7rAuLWTt7CyzMy6jau3srSgn5+ms6OQ"
    },
    {
     "image": "d911ea2110110526f98774d70d8edbea10d7c0f0b31150d400cf633028777d9e",
     "peak": 5.1218180656433105,
     "values": "irbFwsvIy8a8u6+spc/m5vr59Obq7ubUvuf/9Pvy7e3k4ODfnsbu6PHj7OrZ2tjJoMLJuNrj4dTW1dTIlY1iW6zm3MnZ29fId19MTGvL19TV1MzJQQAAAABY29XW29PHAAAAAACIztPJ0MvIAAAAAACkysfN0tXLYVFiALHYxODS1cLOfXyxosOuvcLDw7aq"
    },
    {
     "image": "442b57fa516dc65ef42bde04886352002baa8983a03440eeb1fe4d15c9496197",
     "peak": 5.081720352172852,
     "values": "j8TJy8zJysnAwrmzrMvn7/P8/fXh2OvRvev/9ufs8u/e3OfbqODvfldnnZHQ4uPFutrDW1IAVWfX59fGtrJtSwAAAFak4dzIvbFqAAAAAACZ8NrFtdCjUQAAV2Gz69zArsi4AGZSZ4Pc5dHErcrMwqi7s+HR187Lpcbv5OXt4ObR1MrTl7TOwMXKzsG/x8Ch"
    },
    {
     "image": "6571c191651fe440412249d175601669760bb8cfbd855e3f7bb2aafcd259ccea",
     "peak": 5.024505138397217,
     "values": "i8Tdys+9s6KXlp2Yodvx1b6glJqVwdjfqOL13q96AABukOXjntHhn2IAAAAAWq7Oqd3z22gAAAAAbcfPq9z/u55QAABtudPRquL/0LFwAFSpz9jXqtz05rK4kJnj2NvUmNLZ0tj40ezk6t3SoNXr1d7f5eHZ5ObYmtTk19fZ4d/d6OTdm7nUx8zHzMzNytSz"
    },
    {
     "image": "75cbdca9905bd65bb52371b5a1547f216777aee7a8b72fba0e9a9d4d0ea46b2c",
     "peak": 5.203653335571289,
     "values": "eqm/uMTL09bX2tC1ocze3/L5+Pry7uHOs9Th3ujx9v/78u/Sp83c2dzq7fDn4+PIo8zh0uDb2t3g4uTDn87cztjUzMzYzs2voc7d1tPe0KKlknqHkcvY0M3Kl2JaWVRek8HSzLubXQAAAABui8LUx72VSgAAAAAAisPOzMacclQAAAAAjarAuraRmmJTAAAA"
    },
    {
     "image": "92260847cbb1711d7dc6dd4cc73ac5db5f3f75fd007ca00dc1a4380f9d606580",
     "peak": 4.9582953453063965,
     "values": "c5CkmJ+pqauttKqvkN346fX8/f/w/P7llNbiw93q597g6vLDicHKh6zPtrm85uffl7arYntmcICmz+ndnMiqS0wAAABkzOvgpquxUAAAAAAAp+bQo7WqiGQAAAB02+fgmsjWpdOjqJHIuePYnOT82OTy7urg6uPblN/qveLh59zj5NrMmsfbxtHU0NbJzsuz"
    },
    {
     "image": "ee7e86fc321eb3313f96246af04a1bcd6e1df03c00ba9d1ff3bdd32ba2461b09",
     "peak": 4.842562675476074,
     "values": "h7fCv729vLquvrKysuDt6PP+//vx9Ozitu3x5Ozv8+3p7fLlteDp3ODs5+ra7evbpOLp493e4eLW4+neqNvf5tHI0tjZ59vjneXv57OBh8XK7O7jquHswIJjAHKC7PbiiM3KcFEAAFx44/ffjMO+AAAAAAAA4Orbgd3ZUk8AAEsA6djckcvQV1xhSn5v28++"
    },
    {
     "image": "0d2e034edaf3b927a8d4f186e25d0c7ac325f7750347992d70fecba0696a0957",
     "peak": 5.343279838562012,
     "values": "dqK3tMTHzNDa28yyn8fZ3O73+/fy7t3Ar9HX2OT1+f/29PDbp8zd1N/t8vPu6t/QmcvYxuPj5+3l8uHJmMLZ2OPb073T1OK9ltHV0NDOun2KpZiXlcjRys3BbwAAAFeBlsTHxtC0YAAAAEhhkL3Mv8WhAAAAAABSjMDFxLh8TQAAAABAhKC6rKZZAAAAAAAA"
    }
   ]
  }
 ]
});
