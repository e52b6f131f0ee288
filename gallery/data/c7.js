usaeViz.add({
 "concept": 7,
 "grid": 12,
 "backbones": [
  {
   "name": "vit",
   "top": 3.0235838890075684,
   "examples": [
    {
     "image": "4958bc02bd9f951b6801cc3d2176a78cd58aa0df8cc1303fb2470ef82be12c34",
     "peak": 3.0235838890075684,
     "values": "jH1pAABklLC3s5l7mHUAAAAAaqjU172Rm3YAAAAAAKbS4uG/dlsAAAAAAKfi5OPDglwAAAAAAJDj8t+1kYIAAAAAAJrm+Ou4qraIAAAAeb/k8efDq8TQp5CVvuHz8eLGtMvt7OTb3fH8/+m+v+Tw7PPs9O///+3Cssvh2s/Z3Ork493AnrPBwsS1wcLKxbKu"
    },
    {
     "image": "4689831e04ded40ec077ed1073e18dbe764bb832301caac8a2ffdb09a0ee566b",
     "peak": 2.7525577545166016,
     "values": "l5Sxqa2tqqmfr6iXobPS1tLGwcXRys2xstLk1c/K19bq+/HTrsTPlHhrgbLc8OjVmKenAAAAAACv5enNmp2UAAAAAAB8y+PPo66HAAAAAAAAz9vIqcPCbwAAAACe2dzMtM/hw6eVjqnL6dbLu+P/8+rh3uz09eXMrcvu5+Tg4efx69fIp8jZ2NDR0tfU2s+3"
    },
    {
     "image": "81718814881cd69678aa049e98f637b94682ceee3e252b516b43c4e09958c7f4",
     "peak": 2.7508816719055176,
     "values": "q7W2mp+hpaG7wZ+Etc3as6qbl7zd4raZw+zdn5Oxia/q/8jExu29AIAAop7E98/BuNO1egAAAACKxdHEv8m1mQAAAAB5zM/CstG/hQAAAIWDttPAwtO/noEAAACLx9bGwd7k06cAb4rI2OTBxOT7686yvtDh7OfGtsTo3tbC4ODez9e8o7LHyr/Bwsm6wr60"
    },
    {
     "image": "3e1a6a8682daff420e5f0106ad317e4d067b28ea88c3d1d61e502dab07b11feb",
     "peak": 2.8497602939605713,
     "values": "mI+DhpSir7msuLuth4CIaXOcs8O/0sTEj4cAZnZ4rdzz5dLaigAAAAAAjtX059TSbgAAAAAAftX39tXBAAAAAAAAa8jy+ObTg4EAAAAAhtf2/urWjnEAcnF2x9bv/+/hp6Wdc4K35fT6+ujkvMPTycPd9PPw7OXjsMPh287Z4+Ln6L/Gqb3NxMrGyMzRy7y7"
    },
    {
     "image": "a92890d1782e62d8423f564160167e0271fe437b301fb6c1dd6b4697bfd85d42",
     "peak": 2.814568281173706,
     "values": "fJeqppWhn4l8kZdyj7XY0Ky3uqSEibqCndDw89vCqotwkK6fq9Lx/9aXaAAAAH+lrcns8dyDAAAAAFqaq8/l8+CAAAAAAAChs8rh7dWWAAAAAHOiqNPn6OuhAAAAfZOkqdzd6+/IoniSvKClsNnp6PTxw7vV48CXodLUzNrgzcXU57t9mLa3rLXDt5qpvJty"
    },
    {
     "image": "8b54830d57f66beda6c47811504547b68d631c78590c746ab8691890795af5ab",
     "peak": 2.807619571685791,
     "values": "c3+Yn5aan5SjoYt0fZXM0b/Iy7/TzqCahMHy6+Hr3d/03rq/htD/5dTWx9PyyMvCjNH11saXcoGspcK3j9bmwqIAAAAAY6iqk9TeyqQAAAAAAHuZjMvVtokAAAAAAHSUjsvd06sAAAAAAImijbvj2sOYegBtqKu1gLDU1dDavKeyua++fqS6t8XFsa/EtKWs"
    },
    {
     "image": "6984d07468b409fbdf9375bd93cafde283e480847b82f79f1c9ac7efa84dfa10",
     "peak": 2.680725336074829,
     "values": "h5Krq6KahgB2jZqEo8fc2NqldAAAkLqWt+X699qPAAAAeKuftNby7dmQAI8AAHuZtefz79WBAAAAAGWNvOn/8b6OAAAAAIWNu+Hv3MSttwAAAI2Psdfv8uDPlQAAALios9/79fHXwLq30OGytuv26uru7+zh6eu8rL3Q4OTh5ebm5tykj6W9wsbDwbzEyLaZ"
    },
    {
     "image": "fb7872189bd9563356bdc9b21d3aaf071f9cb2c25cf206c82c60fe93336c3377",
     "peak": 2.8816614151000977,
     "values": "nrKulqWpn3aMmaBtrsXWpZ+2rwAAAIl7seL03bjChwAAAABtks7+58rBcQAAAAAApcfz9suPAAAAAAAArdT48OWRYwAAAAAAusXr+u63hgAAAAAAv9HS7vrOoWgAAABkvuTt8PDzw6yMnoWaxebt8v/67c7a5cunq8/dxtnq3t3o4dSqmK6/s6O3yry2yLyt"
    },
    {
     "image": "97ac6078d2387d5ff64b06206c60a53fc7eaf9658e524992ae38998b1de2fc15",
     "peak": 2.6438965797424316,
     "values": "qZqyv7C3wba+wrCyrqvQzsPP0crc18G8wc728ujq7un4/9/bwdH38eLk48/s8dfavNLu8trS0MG4x8nNudPr7dHBoZDAh4yquNHq7cipioWflgB2stLn3b2cgQAAAHRfr9Hk28eUAAAAAAAArcjn28aDAAAAAABcoLnUybmIfwAAAABtlq25u7OTbAAAAACA"
    }
   ]
  },
  {
   "name": "dla",
   "top": 3.0156092643737793,
   "examples": [
    {
     "image": "51d7b63becef0f3991e51a5dccd7d75eab34a379cfc1485665c90e60140998ec",
     "peak": 2.854753017425537,
     "values": "anOFlqiddAAAAAAAhYmRo76xfF4AAAAAurSpu+najXaVmAAAz8m9zv/rk4G1vp0AxcfL3v/kjn60ALOptMDY7PvfloatuKadnrTi9/ParZqglHdokK3l+uzbxrm0nHEAjang9ejh4uTozZV5hp/R5NnY4uzz2Z1/fJC3x7+/yNDWvopwd4iquLKzu8LHsYBo"
    },
    {
     "image": "77169e48a45615445b0e2ae4b1baed5028c7adf0416c63a79da4e0de271dec8c",
     "peak": 2.620166063308716,
     "values": "mZmbqsbNv8TaxohprK+0wdTYzM/gz5yD09nn7vDt5+bs4MO14er6//jp0sjLy8vK19/w9OzKjwAAkLHC1Nvq6NWrAAAAAJmx2N7p27KLAAAAAIKX3+Tt1ZoAAAAAAHOA6O331owAAAAAAGpu1eD43ZAAAAAAAG5ypb7w6KaAdwAAAH6Mjq3t7rGQjHoAAIaZ"
    },
    {
     "image": "70d583ada7da955592f17ed6e54982a27ac2eb15209804f5344b66187fe21c56",
     "peak": 2.8674979209899902,
     "values": "WnWqvKujpJ+TiHx2aoCtvrOvs7Ktn4l9iJe0w8PI0dnhz6KMkJahqa7A3PH86LSbg350AACW1vn/7L+pAAAAAAAAuuP06sazAAAAAAAAiLHb48i6AAAAAAAAeaPY58/DZgAAAAAAjLnq9dvOi3gAAAAAmcLm6cu8nI91ZmJ1n7zOxJ6LpZuGd2x6orrBsYhz"
    },
    {
     "image": "a550e83d6015b4e25575c1c46fe5320d1a6dc598afd61a1cb644a8733176a25d",
     "peak": 3.002964735031128,
     "values": "aoO0rm8AAAAAAAAAfZTBt3YAAAAAAAAAo7Xby4QAAAAAAAAAt8fn2Z9pAAAAAAAAu8nj48eYAAAAAAAAwczj6d+3AAAAAAAAydLl7OjFgwAAAAAAy9bs8+7Up4uBeXJux9f2//Hk2c/HuKSarMDo9Obf4N7ayq+hepHB1MvCuri6rpKFYXqtw720qKSqoIR2"
    },
    {
     "image": "fb3872a3bd35e9e70261f6dbdaac29e3831d649fdb0ab516ef89808509a64d8b",
     "peak": 2.811750650405884,
     "values": "W3OjxdjDiIS4u412c4iy0eXWpJ3Bv5mFpLPR6//63dDSyLGlv8vk9Pv9+fDk1L6zxdLr7trd9v/34r+umaGwr56t2/T5576qAAAAAAAAp9Dp4runAAAAAAAAgrXX1rWkAAAAAAAAbKTBxK6jAAAAAAAAAJKzuaSZAAAAAAAAAIGss5eIAAAAAAAAAHiosJCA"
    },
    {
     "image": "53b238900691fd9f3ff5d6a18949be22003342c21a8ebd5ede7b59359b9d8a8b",
     "peak": 2.71811842918396,
     "values": "AAAAAAAAdJGlnXppAAAAAAAAjKy/uZqKAAAAAACGvODz8NnNAAAAAAAAu+X09OXeAAAAAAAAibrCw727AAAAbwAAlb/Fw7q2AHqmtam33vb99dvPlaO/0Nfe5vH/9tfIv7+/v8C6rLHKya+htbKur7Swoaa8vKOXdn2NnrG/x8/XzraqVmN8lrDH2uTk2L+z"
    },
    {
     "image": "a606281e8216315b45269c3ebd4341ad71b3b2bf4a2e6a7e4be2c501bd8a51e1",
     "peak": 2.7938201427459717,
     "values": "X3SdqpuYoKitm3MAcoWruKqosba4qIZ1mKjJ1MnI0tTOwKyiprjc6uDZ1cixpKGfnbXl+fHcu5MAAABtnrfq/fDRoHEAAAAAp77q9eC5ggAAAAAArcLt9t2yAAAAAAAArsXz/+q9AAAAAAAAprvn89+6hAAAAAAAlKbK0r2qmoQAAAAAi5y8wayipZMAAAAA"
    },
    {
     "image": "4689831e04ded40ec077ed1073e18dbe764bb832301caac8a2ffdb09a0ee566b",
     "peak": 2.4634299278259277,
     "values": "mZOGkLLR7PTrx4prpJyMiZKjus7d0KiUuq6YeQAAAADA4uXnvqqDAAAAAACj2PL/sZAAAAAAAACGss7dtZIAAAAAAACKsMbSzLAAAAAAAACw0tre18SdAAAAAJzS6uXi1cu4o42Rr8/w+OfexMfMyLzA1OX08d3To7XZ5drX3d/d1ca/kqzg9Oji4tzSx7u1"
    },
    {
     "image": "981f43e144604d1fa59d2263e3cf2ceabca53e7fbd1689b6d74ac5caea96f3c0",
     "peak": 2.803640604019165,
     "values": "AAAAAAAAAHSRkHFiAAAAAAAAAACmspeKAAAAAAAAAADQ9uTbAAAAAAAAAH/V//37AAAAAAAAAJ21zOLtAAAAAAAAosC5vs7WlJmjopWm1Ojh1MG3orLS2snO6PLt3cO2k6XJ2NPU3ODf29TRh5m9z8/Q0dDOy8jHfY6wwL/BxsS7rp6Vd4ipube6wL6xn4h9"
    }
   ]
  },
  {
   "name": "resnet",
   "top": 3.087196111679077,
   "examples": [
    {
     "image": "51d7b63becef0f3991e51a5dccd7d75eab34a379cfc1485665c90e60140998ec",
     "peak": 3.087196111679077,
     "values": "ZoefnJymnH8AAAAAgo2ssaGgkn8AAAAAhqbFz9LBpZEAAAAAi7LKzs/ZuJIAAAAAkMDl5evp0asAAAAAgrfj8+/v3MeMbAAAjsDk/Pvz4s+pmX5jlsDS7//16d25tp17hcLW5O7s4t2+xZ+Hcrzg7u7n7OvU0ayTAJq70drT19vMxaSNAI2Xsrm2srGuqJKA"
    },
    {
     "image": "40d9b6b4155481c3b60ee7c8dc2035c36b627bb80653e5f97a9f558ae7c060c4",
     "peak": 3.0638928413391113,
     "values": "fJ6zq6+4wL65vayVk6i8t7u/ycjGxKqfk7DW1enu8vTp8savgqHGwszd7PTu8cO1jKTEsdDW9vf6/9PCb3WUnLC43OL7/tLDAAAAAIOez9j499G3AAAAAAAApszn6sO/AAAAAAAArr/Z6MG5AAAAAAAAfaDS4rmxAAAAAAAAkKzNz7KrAAAAAAAAbKm7s6iX"
    },
    {
     "image": "28b0e8b5c69480cf091509cbd5530e7ba5e545f19e342370b6bd02011a92f70d",
     "peak": 2.8992726802825928,
     "values": "iaitt8DAwru4s6aJg7PBxsbGyse8urSektrx6uzz9/Pq88mtntnz5eTt6u3j8s22td3y8+Lx9P/z+dCuqsLOvqWdoLnA0cGpqbrDt5YAAIyevrygoJ+SeAAAAACTu7Gdl6WQAAAAAACXl5+YjqGYfgAAAAB0jZKXjbCZfgAAAABseJiblJyJcQAAAABucpKQ"
    },
    {
     "image": "4689831e04ded40ec077ed1073e18dbe764bb832301caac8a2ffdb09a0ee566b",
     "peak": 2.4735267162323,
     "values": "qr3PysLH0c7Vz8izrLHLvbWyyszfycLAtsDJwLmy6vvv7tLJuau+oH4Aps3P1t3YpqiUAAAAAJzh7PHHooeGAAAAAADAzN3AnHwAAAAAAJPQ3eTJr664iQAAbpzB6+3Ysa3Fpaelub/V+OHMsMDi3tzT1NDX8tm+rt3w+P/z8t7Y6dbWrNTu6t7ax83P2M26"
    },
    {
     "image": "637823437ca46da9b11fff3a3920537b60021aad2ff83e0f901253e86727dee7",
     "peak": 2.756300926208496,
     "values": "kqWkta+traeRl3p4rcLHzsGzrqeJhJiDqNLe2862rqybl4yDr9rp3cqylo2Gj3prt97t5ruTfAAAh3dzs9bv5bqBAAAAZgAAqdbr4sGJAAAAAAAAr9P27dy+iAAAbmUAq9Dw+PTXpImOfG0Ao8Tt+f/d0q2wn4ZxmrjV5OHawa6upJGGiqPAyM7GvbWroo58"
    },
    {
     "image": "4958bc02bd9f951b6801cc3d2176a78cd58aa0df8cc1303fb2470ef82be12c34",
     "peak": 2.6956286430358887,
     "values": "iXcAAAAAccfEu7SQjHAAAAAAhMHAtL2ijwAAAAAAaa+9086+ewAAAAAAAMS0w8u/ZgAAAAAAANfC4+DHd2gAAAAAe9vZ7dbDor6bi4OjstPh/+DDvM3Vxs/k8fTw9OPJv8nd3+bh3+bn5tfGv8bj9Pvb1+j69NnGusjS0dbQzdXl49u/lqzEwr/B0c3XxL6b"
    },
    {
     "image": "fb7872189bd9563356bdc9b21d3aaf071f9cb2c25cf206c82c60fe93336c3377",
     "peak": 2.873626232147217,
     "values": "n6aUdKqkbAAAdG0Aqcarja6ylgAAAHJsebm0qb7BqQAAAABofbfHxLawiQAAAAAAmMXc6suqdQAAAAAArcnh4NK5cAAAAAAAuszU4tXGhm0AAAAAweHo8+LfvJ+GeWkAuOLw/+Xr08ertJJwudTq9ezk2dG6wK6Nrczd0NLYysXCrqqbkai8trS2q66mopWF"
    },
    {
     "image": "fb3872a3bd35e9e70261f6dbdaac29e3831d649fdb0ab516ef89808509a64d8b",
     "peak": 2.8823533058166504,
     "values": "kKOnoKisycGknJGQk7DGzcG1yeC3s7CigbvV6+fQ3e7g5L6ziavR7/3y4ev9/7mxo6y+1u74+Pr39sWzlZqanMjc9Pfm38e4AAAAAIOXxd3m4cC6AAAAAABWfrXt78G3AAAAAAAAa5vS48KyAAAAAAAAAHunzLqnAAAAAAAAAGKWoamcAAAAAAAAAHGcnpeJ"
    },
    {
     "image": "3fba2549e6ae89f924aa0fae4bb34f38cf3816a59d9bea891dd65dedd8e2915b",
     "peak": 2.525022268295288,
     "values": "n7PEwMTQ1dHFu5eLrc3X0NjT0d7L0amXx+H65N/c6/7w/862uMDfuqiKuNzY18TDvbu5n6AAAK3Y28XAtcm7mo8AAG+1wr67yc28dgAAAACqvb61ys/BAAAAAACcrMS8x8excgAAAACvsb2+v7rFfJIAhH6xt8S5ur60oH0AbnSsucm/tbS3nowAb42zuMKr"
    }
   ]
  },
  {
   "name": "grey",
   "top": 3.8098373413085938,
   "examples": [
    {
     "image": "92569a33e207c7e26e35154bfc4bc2bb459c72cdaf1edaf65f890d2e66c17582",
     "peak": 3.8098373413085938,
     "values": "AHR5jY6OcIy5l4VrprTYq8qboIrAmcCOerWuzc3EkqiCbaivfImRu8/CzbiqnIF5hKeleHSDxcnTzZCciKjPyZOycdq01r3gZY3x/6ineIwAb7+0aHmfwXDSeAAAAHKFelx2fWJjAAAAAABmAKSbgAAAAAAAAACXc6i3lpFdAAAAAACwXEyAgQAAAAAAAAAA"
    },
    {
     "image": "40d9b6b4155481c3b60ee7c8dc2035c36b627bb80653e5f97a9f558ae7c060c4",
     "peak": 3.267918825149536,
     "values": "AImknLfHs5yXoJkAAK7Jv9L63ODAkbiogrnE3Nfx/8Gj18vIjZW75urb5+uestuygazU4e7k+sfS5quskZeosOPV0fanrvHTAIp+j5/m4M7hzMTJVwAAeGaDvObI1desAAAAAAAAAITJg5isAAAAAAAAAMnB1q+2AAAAAAAAAIXLwLm1AAAAAAAAAACfoniU"
    },
    {
     "image": "3e1a6a8682daff420e5f0106ad317e4d067b28ea88c3d1d61e502dab07b11feb",
     "peak": 3.564689874649048,
     "values": "AGaDfWhyhX5/k3t7AJBnk2W8v79zhLe9AKWdl5mnuezcmZ+dAAAAAABmsuHKmJumAAAAAAAAAMjE87CfAAAAAAAAdoPM3tm9AAAAAAAAAJHZ67TXAAAAAACT35qi6tbRAAAAAACVxOWn19XXepvFnJHK//vFtJ2+ALLJybuuz+zh1ZmVY57PxcGsycvexZB7"
    },
    {
     "image": "1f8069337a0f93a6f52e2c493be7bbdf79d0ea66d31e6d1a6b7c2f5e60cfce53",
     "peak": 3.715189218521118,
     "values": "AAB8AISBuJhsb2iAbl+BZKe4lahrnF+GAAAAAFiLhtWZwMixZgAAAAAAt6vTyea6AAAAAAAAvaj14MOoAAAAAAAAys3nq7apAAAAAAAArLHjhevlAAAAAAAAjKHl3+f/AF4AAABdtJ7g5M/GcQBsAH4Ay/bn3aSzeHWqfc/QyezRwriyZnutpqvLvbm9obK6"
    },
    {
     "image": "a92890d1782e62d8423f564160167e0271fe437b301fb6c1dd6b4697bfd85d42",
     "peak": 3.703986883163452,
     "values": "bl23m5+dp4h4iIVeg5HGmZWDwKpwj5SCkpHy+q2UysUAYJ6Kq4bo2q4AnnsAAGCwnZ+y1NpuAAAAbACbppjBy9cAAAAAAABokueY2doAAAAAAACqxtWcwbgAAAAAAAAAi8KJp8STAAAAAAB+gdWHosWgAAAAYgBrgtCeh8P/kpGl17x8aNWygoe9tXV6tJcA"
    },
    {
     "image": "4958bc02bd9f951b6801cc3d2176a78cd58aa0df8cc1303fb2470ef82be12c34",
     "peak": 3.6751880645751953,
     "values": "AAAAAAAAAACjdWh4bgAAAAAAAACppYxsiJNjAAAAAG8Asea/AABaAAAAAJ6Rb7K0agAAAAAAAInyzoK6mm4AAAAAAD7Y3e2FiMjBAABg14oAoNzNAGvrt1QAyP+/hKTcnYCR1+O+AOHRsa67nqKfncv91orJ5NrHp8nopW/p+t6GztG8anOr26+Zztqypn6k"
    },
    {
     "image": "81718814881cd69678aa049e98f637b94682ceee3e252b516b43c4e09958c7f4",
     "peak": 3.440871477127075,
     "values": "AK6Wi6a9cpyQt36TAMaqfJe6kwCc0wCSjveWgLmqdXq95IKffKiWkXoAAHusAHjEt86JAAAAAAAAopTOgMOBAAAAAAAAaarfksWCAAAAAAAAZLzSlLCHfwAAAAAAb9DlcaaLAHYAAAB7icO/h7C7vMeDksHFot3Bf4PP7tCW6//BwczQcYbA1ayZxcaNrMWu"
    },
    {
     "image": "e6c493cd5d4c5c420e5f6c3a3783f45f25508abde6581aa3acfb6f957ccd88fd",
     "peak": 3.6791670322418213,
     "values": "AHBreH2mpot+lZ0Adqp/jpjbxJGMvLulcqd/i5X/55uJ48aSiAB2rPPlza/C3MWIZoWdwZXDwqSMr7GmYIucu8DNpHavvbadl4yRn+GzjH+1rLunkACAs50AAABmAJ6VenKmkQAAAAAAAAB2AHe2lAAAAAAAAACMAHOacgAAAAAAAACBeWqNrQAAAAAAAAB3"
    },
    {
     "image": "637823437ca46da9b11fff3a3920537b60021aad2ff83e0f901253e86727dee7",
     "peak": 3.6450250148773193,
     "values": "b4anlHJ/pJ59g4OAeJF9ppQAsZB+cqZimqKyvLFy0KcAAKl5idaqsLIAAAAAAACPpMmum7YAAAAAAAAAes7rkaoAAAAAAAAAgcn6saqBAAAAAAAAgsXsgLyLAAAAAAB5abLUo56WAAAAAAAAjrnukrjb6wCuf5J+bZz/pKrgxKOy2LGJdnDfqbLMzJuQzrKS"
    }
   ]
  }
 ]
});
